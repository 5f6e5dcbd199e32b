import { embedderContract } from "@engram/memory/contracts/embedder";
import { createOfflineEmbedder } from "../src/index.ts";

embedderContract("offline", createOfflineEmbedder);
