# One image for the server and for workers. Its steps are docker/install.sh, so that they are checked without Docker too.
FROM python:3.12-slim-bookworm AS build
WORKDIR /source
COPY pyproject.toml uv.lock uv-requirements.txt README.md LICENSE CHANGELOG.md ./
COPY docker/install.sh docker/
COPY service service
COPY evals evals
COPY prompts prompts
COPY rubrics rubrics
RUN docker/install.sh /opt/debrief

FROM python:3.12-slim-bookworm
# xllamacpp, the embedded engine, needs OpenMP.
RUN apt-get update \
  && apt-get install --yes --no-install-recommends libgomp1 \
  && rm -rf /var/lib/apt/lists/* \
  && useradd --uid 10001 --user-group --no-create-home --home-dir /data debrief \
  && install -d -o debrief -g debrief /data
COPY --from=build /opt/debrief /opt/debrief
ENV PATH=/opt/debrief/venv/bin:$PATH \
  PYTHONUNBUFFERED=1 \
  PYTHONDONTWRITEBYTECODE=1 \
  HOME=/data \
  XDG_DATA_HOME=/data \
  XDG_CACHE_HOME=/data/cache
USER 10001:10001
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=2)"]
CMD ["debrief", "serve", "--host", "0.0.0.0", "--create-first-key"]
