import type { Tracer } from "@opentelemetry/api";
import { INVALID_SPAN_CONTEXT, trace } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { TraceIdRatioBasedSampler, TracerProvider } from "@opentelemetry/sdk-trace";
import { SCHEMA_URL } from "./semconv.ts";
import type { SpanResult } from "./span-queue.ts";
import { SpanQueue } from "./span-queue.ts";

/** Where spans go. */
export interface TracingSettings {
  /** OTLP/HTTP receiver with its path, for example `http://collector:4318/v1/traces`. */
  readonly url: string;
  /** Share of traces that are recorded, by trace id; the caller's sampling flag does not count. */
  readonly share: number;
  /** Spans that may wait. */
  readonly queue: number;
  /** Longest one request to the receiver may take with its repetitions, ms. */
  readonly deadlineMs: number;
}

/** Who makes the spans. */
export interface TracedService {
  readonly name: string;
  readonly version: string;
  /** Name of this replica. */
  readonly instance: string;
}

/** What begins spans. */
export type SpanSource = Pick<Tracer, "startSpan">;

/** A source of spans. */
export interface Tracing {
  readonly tracer: SpanSource;
  /** Sends what waits, for two seconds at most, and ends. */
  close(): Promise<void>;
}

const CLOSE_MS = 2_000;

/** Spans that are not recorded; the caller's `traceparent` goes through them unchanged. */
export function noTracing(): Tracing {
  const tracer: SpanSource = {
    startSpan: (_name, _options, context) =>
      trace.wrapSpanContext(
        (context === undefined ? undefined : trace.getSpanContext(context)) ?? INVALID_SPAN_CONTEXT,
      ),
  };
  return { tracer, close: () => Promise.resolve() };
}

/** Opens a source of spans; a receiver that is away costs spans, never calls. */
export function openTracing(
  { url, share, queue, deadlineMs }: TracingSettings,
  service: TracedService,
  count: (result: SpanResult, spans: number) => void,
): Tracing {
  const processor = new SpanQueue(
    new OTLPTraceExporter({ url, timeoutMillis: deadlineMs }),
    { capacity: queue },
    count,
  );
  const provider = new TracerProvider({
    sampler: new TraceIdRatioBasedSampler(share),
    spanProcessors: [processor],
    resource: resourceFromAttributes({
      "service.name": service.name,
      "service.version": service.version,
      "service.instance.id": service.instance,
    }),
  });
  return {
    tracer: provider.getTracer(service.name, service.version, { schemaUrl: SCHEMA_URL }),
    close: async () => {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, CLOSE_MS);
      });
      await Promise.race([provider.shutdown().catch(() => undefined), late]);
      clearTimeout(timer);
    },
  };
}
