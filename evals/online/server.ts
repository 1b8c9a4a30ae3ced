import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { z } from "zod";
import type { OnlineMetrics } from "./metrics.ts";
import { exportRequest, type ReadSpan } from "./sample.ts";

/** Takes spans and returns at once. */
export interface SpanTaker {
  take(spans: readonly ReadSpan[]): void;
}

/** Largest request, bytes. */
const MAX_BYTES = 4 * 2 ** 20;

async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const blocks: Buffer[] = [];
  let size = 0;
  for await (const block of request) {
    const bytes = Buffer.from(block as Uint8Array);
    size += bytes.length;
    if (size > MAX_BYTES) return undefined;
    blocks.push(bytes);
  }
  return Buffer.concat(blocks).toString("utf8");
}

function end(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

async function traces(
  request: IncomingMessage,
  response: ServerResponse,
  takers: readonly SpanTaker[],
): Promise<void> {
  if (!(request.headers["content-type"] ?? "").startsWith("application/json")) {
    end(response, 415, { message: "send OTLP as JSON (encoding: json)" });
    return;
  }
  const text = await bodyOf(request);
  if (text === undefined) {
    end(response, 413, { message: `a request has at most ${MAX_BYTES} bytes` });
    return;
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    end(response, 400, { message: "this is not JSON" });
    return;
  }
  const parsed = exportRequest.safeParse(value);
  if (!parsed.success) {
    const places = parsed.error.issues.map(({ path }) => z.core.toDotPath(path)).join(", ");
    end(response, 400, { message: `this is no export of traces: ${places}` });
    return;
  }
  const spans = parsed.data.resourceSpans.flatMap(({ scopeSpans }) =>
    scopeSpans.flatMap((each) => each.spans),
  );
  for (const taker of takers) taker.take(spans);
  end(response, 200, { partialSuccess: {} });
}

/** Serves `POST /v1/traces` (OTLP in JSON), `GET /metrics` and `GET /healthz`. */
export function onlineServer(takers: readonly SpanTaker[], { registry }: OnlineMetrics): Server {
  return createServer((request, response) => {
    const respond = async (): Promise<void> => {
      switch (`${request.method ?? ""} ${request.url ?? ""}`) {
        case "POST /v1/traces":
          await traces(request, response, takers);
          return;
        case "GET /metrics":
          response.writeHead(200, { "content-type": registry.contentType }).end(await registry.metrics());
          return;
        case "GET /healthz":
          end(response, 200, { status: "ok" });
          return;
        default:
          end(response, 404, { message: "there is nothing here" });
      }
    };
    respond().catch(() => {
      response.destroy();
    });
  });
}
