import type { Provenance } from "./price.ts";

/** Providers with a list of token prices. */
export type TokenProvider = "openai" | "anthropic";

/** List price of a model's tokens, USD per million tokens as decimal numbers in text. */
export interface TokenPrice extends Provenance {
  readonly provider: TokenProvider;
  /** Name the provider knows. */
  readonly model: string;
  readonly input: string;
  readonly output: string;
  /** Input that the provider finds in its prompt cache. @default unknown: count it as `input` */
  readonly cachedInput?: string;
  /** Prompts longer than this many tokens cost more than these prices. @default no such limit is known */
  readonly upToPromptTokens?: number;
}

const OPENAI_PAGE = "https://developers.openai.com/api/docs/pricing";
const ANTHROPIC_PAGE = "https://platform.claude.com/docs/en/about-claude/pricing";

/** Standard tier, without batch, priority or regional processing; how each price reached this table is in `source`. */
export const TOKEN_PRICES: readonly TokenPrice[] = [
  {
    provider: "openai",
    model: "gpt-6.2-astra",
    input: "8",
    output: "40",
    source:
      "https://docs.laozhang.ai/en/announcements/gpt-6-2-2026-11.md (a reseller: equal to OpenAI's standard rates)",
    asOf: "2026-11-18",
  },
  {
    provider: "openai",
    model: "gpt-6.2-sol",
    input: "2",
    output: "10",
    source:
      "https://docs.laozhang.ai/en/announcements/gpt-6-2-2026-11.md (a reseller: equal to OpenAI's standard rates)",
    asOf: "2026-11-18",
  },
  {
    provider: "openai",
    model: "gpt-6.1-sol",
    input: "2",
    output: "10",
    cachedInput: "0.10",
    upToPromptTokens: 272_000,
    source:
      "https://github.com/amine123max/Codex-Manager/releases/tag/0.4.7 (read from https://developers.openai.com/api/docs/models/gpt-6.1-sol)",
    asOf: "2026-09-30",
  },
  {
    provider: "openai",
    model: "gpt-6-luna",
    input: "0.10",
    output: "0.50",
    cachedInput: "0.01",
    upToPromptTokens: 272_000,
    source: `https://github.com/TheKrush/PromptFuel/releases/tag/v1.0.23 (audited against ${OPENAI_PAGE})`,
    asOf: "2026-10-16",
  },
  {
    provider: "anthropic",
    model: "claude-fable-5-1",
    input: "10",
    output: "50",
    cachedInput: "0.25",
    source: ANTHROPIC_PAGE,
    asOf: "2026-11-25",
  },
  {
    provider: "anthropic",
    model: "claude-opus-5-5",
    input: "4",
    output: "20",
    cachedInput: "0.20",
    source: "https://platform.claude.com/docs/zh-CN/models/opus-5-5/overview",
    asOf: "2026-11-25",
  },
  {
    provider: "anthropic",
    model: "claude-sonnet-5-5",
    input: "2",
    output: "10",
    cachedInput: "0.10",
    source: `https://github.com/kurofune/claudit/releases/tag/v1.9.2 (checked against ${ANTHROPIC_PAGE})`,
    asOf: "2026-10-24",
  },
  {
    provider: "anthropic",
    model: "claude-haiku-5-5",
    input: "0.10",
    output: "0.50",
    cachedInput: "0.01",
    upToPromptTokens: 100_000,
    source: `https://github.com/kurofune/claudit/releases/tag/v1.9.2 (checked against ${ANTHROPIC_PAGE})`,
    asOf: "2026-10-24",
  },
];

/** List price of a provider's model, or undefined when none is recorded. */
export function tokenPriceOf(provider: TokenProvider, model: string): TokenPrice | undefined {
  return TOKEN_PRICES.find((price) => price.provider === provider && price.model === model);
}
