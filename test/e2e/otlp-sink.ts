import { createServer } from "node:http";
import type { IncomingHttpHeaders, Server } from "node:http";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";
import { BinaryReader } from "google-protobuf";

/** A span as a platform got it. */
export interface SunkSpan {
  readonly traceId: string;
  readonly name: string;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
}

/** A request a platform got. */
export interface SunkRequest {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly spans: readonly SunkSpan[];
}

/** A receiver of OTLP over HTTP in Protobuf. */
export interface OtlpSink {
  readonly url: string;
  readonly requests: readonly SunkRequest[];
  close(): void;
}

type Fields = Readonly<Record<number, (reader: BinaryReader) => void>>;

function message(reader: BinaryReader, fields: Fields): void {
  while (reader.nextField()) {
    const field = fields[reader.getFieldNumber()];
    if (field === undefined || reader.isEndGroup()) reader.skipField();
    else field(reader);
  }
}

function inside(fields: () => Fields): (reader: BinaryReader) => void {
  return (reader) => {
    reader.readMessage(null, () => {
      message(reader, fields());
    });
  };
}

/** Reads an ExportTraceServiceRequest. @see https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/trace/v1/trace.proto */
function spansIn(body: Uint8Array): SunkSpan[] {
  const spans: SunkSpan[] = [];
  const span = inside(() => {
    const seen = { traceId: "", name: "", attributes: {} as Record<string, string | number | boolean> };
    spans.push(seen);
    return {
      1: (reader) => {
        seen.traceId = Buffer.from(reader.readBytes()).toString("hex");
      },
      5: (reader) => {
        seen.name = reader.readString();
      },
      9: inside(() => {
        // The value may come before the key.
        let key: string | undefined;
        let held: string | number | boolean | undefined;
        const put = (value: string | number | boolean): void => {
          held = value;
          if (key !== undefined) seen.attributes[key] = value;
        };
        return {
          1: (reader) => {
            key = reader.readString();
            if (held !== undefined) seen.attributes[key] = held;
          },
          2: inside(() => ({
            1: (reader) => {
              put(reader.readString());
            },
            2: (reader) => {
              put(reader.readBool());
            },
            3: (reader) => {
              put(reader.readInt64());
            },
            4: (reader) => {
              put(reader.readDouble());
            },
          })),
        };
      }),
    };
  });
  message(new BinaryReader(body), { 1: inside(() => ({ 2: inside(() => ({ 2: span })) })) });
  return spans;
}

/** Starts a receiver on loopback. */
export async function otlpSink(): Promise<OtlpSink> {
  const requests: SunkRequest[] = [];
  const server: Server = createServer((req, res) => {
    const parts: Buffer[] = [];
    req.on("data", (part: Buffer) => parts.push(part));
    req.on("end", () => {
      const raw = Buffer.concat(parts);
      const body = req.headers["content-encoding"] === "gzip" ? gunzipSync(raw) : raw;
      requests.push({ path: req.url ?? "", headers: req.headers, spans: spansIn(body) });
      res.writeHead(200, { "content-type": "application/x-protobuf" });
      res.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
