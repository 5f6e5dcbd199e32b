export { startApi, type Api, type StartApiDeps } from "./start-api.ts";
