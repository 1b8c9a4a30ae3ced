import { createServer } from "node:http";
import type { IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";
import { z } from "zod";

const value = z.object({
  stringValue: z.string().optional(),
  intValue: z.coerce.number().optional(),
  doubleValue: z.number().optional(),
  boolValue: z.boolean().optional(),
  arrayValue: z.object({ values: z.array(z.object({ stringValue: z.string() })) }).optional(),
});
const attributes = z.array(z.object({ key: z.string(), value })).default([]);
const span = z.object({
  traceId: z.string(),
  spanId: z.string(),
  parentSpanId: z.string().default(""),
  name: z.string(),
  kind: z.number(),
  attributes,
  events: z.array(z.object({ name: z.string(), attributes })).default([]),
  status: z.object({ code: z.number().default(0) }).default({ code: 0 }),
});
const request = z.object({
  resourceSpans: z.array(
    z.object({
      resource: z.object({ attributes }),
      scopeSpans: z.array(z.object({ schemaUrl: z.string().default(""), spans: z.array(span) })),
    }),
  ),
});

/** Attributes as one object. */
export type Attributes = Readonly<Record<string, unknown>>;

/** A span as the receiver got it. */
export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly name: string;
  /** 1 internal, 2 server, 3 client. */
  readonly kind: number;
  readonly attributes: Attributes;
  readonly events: readonly { readonly name: string; readonly attributes: Attributes }[];
  /** 0 unset, 2 error. */
  readonly status: number;
  readonly service: unknown;
  readonly schemaUrl: string;
}

/** An OTLP/HTTP receiver that a test controls. */
export interface OtlpReceiver {
  /** Address with the path of traces. */
  readonly url: string;
  readonly spans: readonly ReceivedSpan[];
  readonly requests: readonly { readonly path: string; readonly headers: IncomingHttpHeaders }[];
  /** Status of the next answers; `hang` gives none. */
  answer: number | "hang";
  /**
   * Waits for so many spans.
   * @throws Error when they do not come
   */
  waitFor(count: number): Promise<readonly ReceivedSpan[]>;
}

function objectOf(list: z.output<typeof attributes>): Attributes {
  return Object.fromEntries(
    list.map(({ key, value: { stringValue, intValue, doubleValue, boolValue, arrayValue } }) => [
      key,
      stringValue ??
        intValue ??
        doubleValue ??
        boolValue ??
        arrayValue?.values.map((each) => each.stringValue) ??
        null,
    ]),
  );
}

function spansOf(body: unknown): ReceivedSpan[] {
  return request.parse(body).resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ schemaUrl, spans }) =>
      spans.map(({ status, events, ...each }) => ({
        ...each,
        attributes: objectOf(each.attributes),
        events: events.map((event) => ({ name: event.name, attributes: objectOf(event.attributes) })),
        status: status.code,
        service: objectOf(resource.attributes)["service.name"],
        schemaUrl,
      })),
    ),
  );
}

/** Starts a receiver of OTLP/HTTP in JSON that ends with the test. */
export async function otlpReceiver(): Promise<OtlpReceiver> {
  const spans: ReceivedSpan[] = [];
  const requests: { path: string; headers: IncomingHttpHeaders }[] = [];
  const server = createServer((req, res) => {
    const parts: Buffer[] = [];
    req.on("data", (part: Buffer) => parts.push(part));
    req.on("end", () => {
      requests.push({ path: req.url ?? "", headers: req.headers });
      if (receiver.answer === "hang") return;
      if (receiver.answer === 200) spans.push(...spansOf(JSON.parse(Buffer.concat(parts).toString())));
      res.writeHead(receiver.answer, { "content-type": "application/json" });
      res.end("{}");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const receiver: OtlpReceiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces`,
    spans,
    requests,
    answer: 200,
    waitFor: async (count) => {
      const until = Date.now() + 8_000;
      while (spans.length < count && Date.now() < until) await new Promise((go) => setTimeout(go, 20));
      if (spans.length < count)
        throw new Error(
          `${spans.length} of ${count} spans came: ${spans.map(({ name }) => name).join(", ")}`,
        );
      return spans;
    },
  };
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return receiver;
}
