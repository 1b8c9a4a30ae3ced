import type { PlatformConfig } from "./platform.ts";

/** Names a model is called by: its own and those of its adapters. */
export function servedNames({ name, engine }: PlatformConfig["models"][number]): string[] {
  const adapters = engine.kind === "vllm" ? (engine.adapters ?? []) : [];
  return [name, ...adapters.map((adapter) => adapter.name)];
}
