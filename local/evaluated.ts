import { createHash, randomBytes } from "node:crypto";
import { join } from "node:path";
import { type GatewayConfigInput } from "../gateway/src/description.ts";
import { startGateway } from "../gateway/src/index.ts";
import type { TextGenerator } from "./engine/generator.ts";
import { startEngine } from "./engine/server.ts";

type GatewayModel = GatewayConfigInput["models"][number];

/** An engine behind a gateway, both in this process, to be evaluated. */
export interface EvaluatedOptions {
  readonly generator: TextGenerator;
  readonly prompts: NonNullable<GatewayModel["prompts"]>;
  readonly guards: GatewayConfigInput["guards"];
  /** Tools the cases offer. */
  readonly tools: readonly string[];
  /** Folder of the audit log and its keys. */
  readonly folder: string;
}

/** Where to ask. */
export interface RunningEvaluated {
  readonly url: string;
  readonly apiKey: string;
  readonly model: string;
  close(): Promise<void>;
}

/** Starts engine and gateway on loopback; closing stops both. */
export async function startEvaluated(options: EvaluatedOptions): Promise<RunningEvaluated> {
  const { generator, prompts, guards, tools, folder } = options;
  const engine = await startEngine(generator, { maxRunning: generator.kind === "embedded" ? 1 : 8 });
  const apiKey = randomBytes(24).toString("base64url");
  try {
    const gateway = await startGateway({
      listen: { port: 0 },
      audit: {
        directory: join(folder, "audit"),
        signingKey: { from: "generated", path: join(folder, "keys", "signing.pem") },
        digestSecret: { from: "generated", path: join(folder, "keys", "digest") },
      },
      upstreams: [{ name: "local", baseUrl: engine.url, endpoints: ["/v1/chat/completions"] }],
      models: [
        {
          name: engine.model,
          endpoints: ["/v1/chat/completions"],
          routes: [{ upstream: "local", model: engine.model }],
          prompts,
        },
      ],
      clients: [
        {
          id: "evaluation",
          tenant: "local",
          keys: [createHash("sha256").update(apiKey).digest("hex")],
          models: [engine.model],
          tools: tools.length === 0 ? "none" : [...tools],
          requestsPerMinute: 100_000,
          tokensPerMinute: 100_000_000,
        },
      ],
      guards,
    });
    return {
      url: gateway.url,
      apiKey,
      model: engine.model,
      close: async () => {
        await gateway.close();
        await engine.close();
      },
    };
  } catch (error) {
    await engine.close();
    throw error;
  }
}
