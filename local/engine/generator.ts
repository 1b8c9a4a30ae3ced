/** One message of a chat. */
export interface ChatMessage {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
}

/** What to generate. */
export interface GenerationRequest {
  readonly messages: readonly ChatMessage[];
  /** Most tokens of the answer. */
  readonly maxTokens: number;
  /** 0 is greedy. */
  readonly temperature: number;
  /** Same seed and messages, same answer. */
  readonly seed: number;
  /** Aborted when the client has gone. */
  readonly signal: AbortSignal;
}

/** A text as a vector. */
export interface TextVector {
  readonly vector: readonly number[];
  readonly tokens: number;
}

/** A source of text behind the engine's HTTP interface. */
export interface TextGenerator {
  /** Name under which the engine serves it. */
  readonly model: string;
  /** `stand-in` is not a language model and says so in its answers. */
  readonly kind: "embedded" | "stand-in";
  /** Number of tokens of a text. */
  countTokens(text: string): number;
  /**
   * Yields the answer piece by piece, one token each, and ends when the model ends, after `maxTokens`, or when aborted.
   */
  generate(request: GenerationRequest): AsyncGenerator<string, void>;
  /** The text as the model represents it; absent where it represents none. */
  readonly embed?: (text: string) => Promise<TextVector>;
  close(): Promise<void>;
}
