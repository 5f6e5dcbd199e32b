# One image for all parts: everything in one process by default, api, worker or migrate by its command.
#   docker build -t engram .
#   docker run -p 127.0.0.1:3456:3456 -v mem0_data:/app/data engram
FROM node:24-bookworm-slim AS build
WORKDIR /app
ENV CI=true
# The lockfile alone decides what is fetched, so this layer stays while only sources change.
COPY pnpm-lock.yaml pnpm-workspace.yaml .npmrc ./
RUN npm install --global pnpm@12.21.0 && pnpm fetch
COPY . .
RUN pnpm install --frozen-lockfile --offline && node node_modules/typescript/bin/tsc -b
# Again without what only building needs, and without the Node that packages bring for machines that have none.
RUN rm -rf node_modules packages/*/node_modules services/*/node_modules \
  && pnpm install --frozen-lockfile --offline --prod --no-optional

FROM node:24-bookworm-slim
# What operators look around with: docker exec mem0 curl ..., nc ..., netstat ... Of whatever version has its last repairs.
# hadolint ignore=DL3008
RUN apt-get update \
  && apt-get install --yes --no-install-recommends ca-certificates curl netcat-openbsd net-tools \
  && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY --from=build /app ./
RUN mkdir -p /app/data && chown 1000:1000 /app/data && chmod 700 /app/data
# The second and third are config.environment of package.json: docs/decisions/0006-heap.md.
ENV NODE_ENV=production \
  NODE_OPTIONS=--max-semi-space-size=16 \
  MALLOC_TRIM_THRESHOLD_=4194304 \
  SKIP_BOOTSTRAP=1 \
  MEM0_HOST=0.0.0.0 \
  METRICS_HOST=0.0.0.0 \
  DATA_DIR=/app/data
# The image's user node, as a number: what runs containers can see that it is not root.
USER 1000:1000
EXPOSE 3456
# The first start of the embedded database takes a while on a small machine. By the shell, which knows the port.
# hadolint ignore=DL3025
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD curl --fail --silent --output /dev/null "http://127.0.0.1:${MEM0_PORT:-${PORT:-3456}}/readyz" || exit 1
# Without npm in between, so that signals arrive.
CMD ["node", "services/all-in-one/dist/main.js"]
