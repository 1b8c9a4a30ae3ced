import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { ensureTool, VEGETA } from "../../tools/go-tool.ts";
import type { Quantiles, Target } from "./load.ts";
import { REQUEST } from "./load.ts";

interface VegetaReport {
  /** Nanoseconds. */
  readonly latencies: { readonly "50th": number; readonly "95th": number; readonly "99th": number };
  readonly requests: number;
  readonly status_codes: Readonly<Record<string, number>>;
}

/** Sends requests at a constant rate, whatever the answers do (open loop), over at most 64 connections. */
export async function openLoop(
  target: Target,
  perSecond: number,
  seconds: number,
  folder: string,
): Promise<Quantiles> {
  const built = await ensureTool(VEGETA, (text) => {
    process.stderr.write(`${text}\n`);
  });
  const tool = join(built, "bin", VEGETA.name);
  const [body, targets, raw] = [
    join(folder, "body.json"),
    join(folder, "targets.txt"),
    join(folder, "attack.bin"),
  ];
  writeFileSync(body, REQUEST);
  const headers = Object.entries({ "content-type": "application/json", ...target.headers });
  const lines = [
    `POST ${target.url}/v1/chat/completions`,
    ...headers.map(([name, value]) => `${name}: ${value}`),
    `@${body}`,
  ];
  writeFileSync(targets, `${lines.join("\n")}\n`);
  const rate = ["-rate", String(perSecond), "-duration", `${seconds}s`, "-max-workers", "64"];
  const attacked = spawnSync(tool, ["attack", ...rate, "-targets", targets, "-output", raw], {
    encoding: "utf8",
  });
  const reported = spawnSync(tool, ["report", "-type", "json", raw], { encoding: "utf8" });
  if (attacked.status !== 0 || reported.status !== 0)
    throw new Error(`vegeta: ${attacked.stderr}${reported.stderr}`);
  const { latencies, requests, status_codes: codes } = JSON.parse(reported.stdout) as VegetaReport;
  const ms = (nanoseconds: number): number => Math.round(nanoseconds / 1e4) / 100;
  return {
    p50: ms(latencies["50th"]),
    p95: ms(latencies["95th"]),
    p99: ms(latencies["99th"]),
    samples: requests,
    errors: requests - (codes["200"] ?? 0),
  };
}
