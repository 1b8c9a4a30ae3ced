import { z } from "zod";
import { minimised } from "../minimise.ts";

/** Attributes of a span that a live answer is evaluated by; `gen_ai.*` as in the semantic conventions 1.41. */
export const SAMPLE_ATTRIBUTES = {
  /** `granted`: the person agreed that this answer is looked at. Whoever sends the span vouches for it. */
  consent: "llmops.evaluation.consent",
  /** What the answer had to rest on. */
  context: "llmops.evaluation.context",
  model: "gen_ai.request.model",
  input: "gen_ai.input.messages",
  output: "gen_ai.output.messages",
} as const;

/** A live answer that may be evaluated; personal data and credentials the detectors know are out of it. */
export interface LiveAnswer {
  readonly traceId: string;
  readonly model: string;
  readonly question: string;
  readonly context: string;
  readonly answer: string;
}

/** Which spans are looked at. */
export interface Sample {
  /** Share of the traces, 0 to 1. */
  readonly share: number;
  /** Models whose answers and prompts are looked at. */
  readonly models: readonly string[];
}

/** A live answer's prompt: the last question alone, without the personal data and credentials the detectors know. */
export type LivePrompt = Pick<LiveAnswer, "model" | "question">;

/** Why a span is not evaluated. */
export type Left = "consent" | "unsampled" | "model" | "content";

/** A span that is not evaluated. */
interface LeftSpan {
  readonly kind: "left";
  readonly why: Left;
}

/** What becomes of one span. */
export type Taken = { readonly kind: "taken"; readonly answer: LiveAnswer } | LeftSpan;

/** What becomes of one span's prompt. */
export type TakenPrompt = { readonly kind: "taken"; readonly prompt: LivePrompt } | LeftSpan;

const attribute = z.object({
  key: z.string(),
  value: z.object({ stringValue: z.string().optional() }).optional(),
});

const span = z.object({
  traceId: z.string().regex(/^[0-9a-f]{32}$/i),
  attributes: z.array(attribute).default([]),
});

/** A span as far as it is read. */
export type ReadSpan = z.output<typeof span>;

/** A request of OTLP over HTTP in JSON. @see https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding */
export const exportRequest = z.object({
  resourceSpans: z
    .array(z.object({ scopeSpans: z.array(z.object({ spans: z.array(span).default([]) })).default([]) }))
    .default([]),
});

const messages = z.array(
  z.object({
    role: z.string(),
    parts: z.array(z.object({ type: z.string(), content: z.string().optional() })),
  }),
);

/** Longest text of each kind a judge is shown, characters. */
const MAX_CHARACTERS = 4_000;

/** Steps of a share; a share is compared in whole numbers, which do not round. */
const STEPS = 2 ** 53;

/**
 * Whether a trace belongs to a share: always the same answer for the same trace, on every machine, and a larger share holds a smaller
 * one. The last 56 bits of its id decide, which are random.
 * @see https://www.w3.org/TR/trace-context-2/#random-trace-id-flag
 */
export function isSampled(traceId: string, share: number): boolean {
  return BigInt(`0x${traceId.slice(-14)}`) < BigInt(Math.round(share * STEPS)) << 3n;
}

/** Text of the last message of a role; undefined where there is none, or it is not in the convention's form. */
function lastText(json: string | undefined, role: string): string | undefined {
  let value: unknown;
  try {
    value = JSON.parse(json ?? "");
  } catch {
    return undefined;
  }
  const parsed = messages.safeParse(value);
  const message = parsed.data?.findLast((each) => each.role === role);
  const texts = (message?.parts ?? []).flatMap(({ type, content }) =>
    type === "text" && content !== undefined ? [content] : [],
  );
  return texts.length === 0 ? undefined : texts.join("\n");
}

const clean = (text: string): string => minimised(text, MAX_CHARACTERS);

/** The attributes of a span that may be looked at, and its model. Consent is asked before anything else, then the sample. */
function allowed(
  { traceId, attributes }: ReadSpan,
  { share, models }: Sample,
):
  | { readonly kind: "allowed"; readonly model: string; readonly text: (key: string) => string | undefined }
  | LeftSpan {
  const of = new Map(attributes.map(({ key, value }) => [key, value?.stringValue]));
  if (of.get(SAMPLE_ATTRIBUTES.consent) !== "granted") return { kind: "left", why: "consent" };
  if (!isSampled(traceId, share)) return { kind: "left", why: "unsampled" };
  const model = of.get(SAMPLE_ATTRIBUTES.model);
  if (model === undefined || !models.includes(model)) return { kind: "left", why: "model" };
  return { kind: "allowed", model, text: (key) => of.get(key) };
}

/**
 * Decides about one span. Content is looked at last; of it only the last question, what it had to rest on, and the answer are kept.
 */
export function takeSpan(span: ReadSpan, sample: Sample): Taken {
  const found = allowed(span, sample);
  if (found.kind === "left") return found;
  const { model, text } = found;
  const question = lastText(text(SAMPLE_ATTRIBUTES.input), "user");
  const answer = lastText(text(SAMPLE_ATTRIBUTES.output), "assistant");
  const context = text(SAMPLE_ATTRIBUTES.context);
  if (question === undefined || answer === undefined || context === undefined)
    return { kind: "left", why: "content" };
  return {
    kind: "taken",
    answer: {
      traceId: span.traceId,
      model,
      question: clean(question),
      context: clean(context),
      answer: clean(answer),
    },
  };
}

/** Decides about the prompt of one span, as about its answer; only the last question is read. */
export function takePrompt(span: ReadSpan, sample: Sample): TakenPrompt {
  const found = allowed(span, sample);
  if (found.kind === "left") return found;
  const question = lastText(found.text(SAMPLE_ATTRIBUTES.input), "user");
  if (question === undefined) return { kind: "left", why: "content" };
  return { kind: "taken", prompt: { model: found.model, question: clean(question) } };
}
