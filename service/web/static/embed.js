// Shows one grade's feedback where this script stands:
// <script src="https://debrief.example/embed.js" data-link="https://debrief.example/embed/..." async></script>
(() => {
  const script = document.currentScript;
  if (!script?.dataset.link) return;
  const address = new URL(script.dataset.link, script.src);
  if (address.origin !== new URL(script.src).origin) return;
  const frame = document.createElement("iframe");
  frame.src = address.href;
  frame.title = script.dataset.title || "Feedback on an answer";
  frame.loading = "lazy";
  frame.referrerPolicy = "no-referrer";
  frame.setAttribute("sandbox", "allow-scripts allow-same-origin allow-popups");
  Object.assign(frame.style, { width: "100%", height: "40rem", border: "0" });
  addEventListener("message", (event) => {
    if (event.source !== frame.contentWindow || event.origin !== address.origin) return;
    const height = Number(event.data?.debriefHeight);
    if (height > 0 && height < 100_000) frame.style.height = `${Math.ceil(height)}px`;
  });
  script.after(frame);
})();
