import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { RecordBody } from "../audit/record.ts";
import { decodeLine } from "../audit/chain.ts";
import type { GatewayConfigInput } from "../config/schema.ts";
import type { GatewayParts, RunningGateway } from "../server/gateway.ts";
import { startGateway } from "../server/gateway.ts";
import { temporaryDirectory } from "./audit-directory.ts";

/** Key of the client "app". */
export const APP_KEY = "app-key-0123456789abcdef";
/** Key of the client "other". */
export const OTHER_KEY = "other-key-0123456789abcdef";

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** A configuration with one engine, one model and two clients. */
export function configFor(directory: string, engines: readonly string[]): GatewayConfigInput {
  return {
    listen: { port: 0 },
    limits: { drainMs: 300 },
    audit: {
      directory: join(directory, "audit"),
      signingKey: { from: "generated", path: join(directory, "keys", "signing.pem") },
      digestSecret: { from: "generated", path: join(directory, "keys", "digest") },
      minFreeBytes: 0,
    },
    upstreams: engines.map((baseUrl, at) => ({
      name: `engine-${at}`,
      baseUrl,
      endpoints: [
        "/v1/chat/completions",
        "/v1/completions",
        "/v1/embeddings",
        "/v1/responses",
        "/v1/messages",
      ],
      firstByteMs: 2_000,
      idleMs: 1_000,
    })),
    models: [
      {
        name: "small",
        endpoints: [
          "/v1/chat/completions",
          "/v1/completions",
          "/v1/embeddings",
          "/v1/responses",
          "/v1/messages",
        ],
        routes: [{ upstream: "engine-0", model: "engine-model" }],
        fallbacks: engines
          .slice(1)
          .map((_url, at) => ({ upstream: `engine-${at + 1}`, model: "engine-model" })),
        attempts: engines.length,
        maxOutputTokens: 100,
        price: {
          currency: "USD",
          inputPerMillion: "1",
          outputPerMillion: "2",
          source: "test",
          asOf: "2026-11-24",
        },
      },
    ],
    clients: [
      { id: "app", tenant: "acme", keys: [sha256(APP_KEY)], models: ["small"], tools: ["weather"] },
      {
        id: "other",
        tenant: "globex",
        keys: [sha256(OTHER_KEY)],
        models: ["small"],
        endpoints: ["/v1/embeddings"],
      },
    ],
  };
}

/** What a test may change about a request. */
export interface CallInit {
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** A gateway that ends with the test. */
export interface GatewayUnderTest {
  readonly gateway: RunningGateway;
  readonly directory: string;
  readonly config: GatewayConfigInput;
  /** Posts JSON as the client "app". */
  post(path: string, body: unknown, init?: CallInit): Promise<Response>;
  /** Bodies of all records so far, without checkpoints and headers. */
  records(): Promise<RecordBody[]>;
}

/** Bodies of all records in an audit directory, without checkpoints, headers, starts and stops. */
export async function recordsIn(directory: string): Promise<RecordBody[]> {
  const bodies: RecordBody[] = [];
  for (const writer of (await readdir(directory, { withFileTypes: true })).filter((entry) =>
    entry.isDirectory(),
  )) {
    const folder = join(directory, writer.name);
    for (const name of (await readdir(folder)).filter((entry) => entry.endsWith(".jsonl")).sort()) {
      for (const line of (await readFile(join(folder, name), "utf8")).split("\n")) {
        const decoded = decodeLine(Buffer.from(line));
        if (decoded.kind === "record") bodies.push(decoded.record.body);
      }
    }
  }
  const frame = new Set(["segment", "checkpoint", "start", "stop", "heartbeat"]);
  return bodies.filter(({ kind }) => !frame.has(kind));
}

/** Starts a gateway in front of the engines. */
export async function gatewayUnderTest(
  engines: readonly { readonly url: string }[],
  change: (config: GatewayConfigInput) => GatewayConfigInput = (config) => config,
  parts: GatewayParts = {},
): Promise<GatewayUnderTest> {
  const directory = await temporaryDirectory();
  const config = change(
    configFor(
      directory,
      engines.map(({ url }) => url),
    ),
  );
  const gateway = await startGateway(config, parts);
  onTestFinished(() => gateway.close());
  return {
    gateway,
    directory,
    config,
    post: (path, body, init = {}) =>
      fetch(`${gateway.url}${path}`, {
        method: "POST",
        body: typeof body === "string" ? body : JSON.stringify(body),
        ...init,
        headers: { authorization: `Bearer ${APP_KEY}`, "content-type": "application/json", ...init.headers },
      }),
    records: () => recordsIn(join(directory, "audit")),
  };
}
