"use strict";
(() => {
  const by = (id) => document.getElementById(id);
  const [list, search, kind, state, sort] = ["items", "search", "kind", "state", "sort"].map(by);
  const items = [...list.children].map((node) => ({ node, text: null }));

  const matches = (item, words) => {
    const { tags, states } = item.node.dataset;
    if (kind.value && !tags.includes(`|${kind.value}|`)) return false;
    if (state.value && !states.includes(` ${state.value} `)) return false;
    if (!words.length) return true;
    item.text ??= item.node.textContent.toLowerCase();
    return words.every((word) => item.text.includes(word));
  };

  const filter = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const item of items) {
      const fits = matches(item, words);
      item.node.hidden = !fits;
      shown += fits;
    }
    by("count").textContent = shown === items.length ? `${shown} answers` : `${shown} of ${items.length} answers`;
    by("none").hidden = shown > 0;
  };

  const order = () => {
    const key = sort.value;
    const value = (item) => Number(item.node.dataset[key]);
    items.sort((a, b) => (key === "place" ? value(a) - value(b) : value(b) - value(a)));
    list.append(...items.map((item) => item.node));
  };

  let waiting = 0;
  search.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(filter, 120);
  });
  for (const control of [kind, state]) control.addEventListener("change", filter);
  sort.addEventListener("change", order);
  search.form.addEventListener("submit", (event) => {
    event.preventDefault();
    filter();
  });
  for (const link of document.querySelectorAll("[data-filter]")) {
    link.addEventListener("click", () => {
      state.value = link.dataset.filter;
      filter();
    });
  }
  document.addEventListener("keydown", (event) => {
    const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName);
    if (event.key === "/" && !typing) {
      event.preventDefault();
      search.focus();
    } else if (event.key === "Escape" && document.activeElement === search) {
      search.value = "";
      filter();
    }
  });
  filter();
})();
