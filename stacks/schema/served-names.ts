import { adaptersOf } from "../../components/serving/engine.ts";
import type { PlatformConfig } from "./platform.ts";

/** Names a model is called by: its own and those of its adapters. */
export function servedNames({ name, engine }: PlatformConfig["models"][number]): string[] {
  return [name, ...adaptersOf(engine).map((adapter) => adapter.name)];
}
