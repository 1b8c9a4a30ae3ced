import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { pathToFileURL } from "node:url";
import type { ChatMessage, GenerationRequest, TextGenerator } from "./generator.ts";

/** Where `npm run model:install` put the model and the library that runs it. */
export interface EmbeddedModel {
  /** GGUF file. */
  readonly modelPath: string;
  /** Folder with `node_modules/node-llama-cpp`. */
  readonly runtimeFolder: string;
}

/** The parts of node-llama-cpp 3 in use; it is installed outside the project, so its own types are not at hand. */
interface LlamaModule {
  readonly getLlama: (options: object) => Promise<{
    loadModel(options: { modelPath: string }): Promise<LlamaModel>;
    dispose(): Promise<void>;
  }>;
  readonly LlamaChatSession: new (options: { contextSequence: unknown; autoDisposeSequence: boolean }) => {
    setChatHistory(history: readonly object[]): void;
    prompt(
      text: string,
      options: {
        maxTokens: number;
        temperature: number;
        seed: number;
        signal: AbortSignal;
        stopOnAbortSignal: boolean;
        onTextChunk: (text: string) => void;
      },
    ): Promise<string>;
    dispose(): void;
  };
}

interface LlamaModel {
  tokenize(text: string): readonly unknown[];
  createContext(options: { contextSize: number; sequences: number; threads: number }): Promise<{
    getSequence(): { clearHistory(): Promise<void> };
  }>;
  createEmbeddingContext(options: { contextSize: number; threads: number }): Promise<{
    getEmbeddingFor(text: string): Promise<{ readonly vector: readonly number[] }>;
  }>;
}

/** Tokens of prompt and answer together. */
const CONTEXT_TOKENS = 2048;

function history(messages: readonly ChatMessage[]): object[] {
  return messages.map(({ role, content }) =>
    role === "assistant" ? { type: "model", response: [content] } : { type: role, text: content },
  );
}

/** Turns a callback that delivers pieces into an iterator over them. */
async function* pieces(
  run: (onPiece: (text: string) => void) => Promise<unknown>,
): AsyncGenerator<string, void> {
  const ready: string[] = [];
  let wake: () => void = () => undefined;
  let state: { readonly kind: "running" | "done" } | { readonly kind: "failed"; readonly error: unknown } = {
    kind: "running",
  };
  const finished = run((text) => {
    ready.push(text);
    wake();
  }).then(
    () => {
      state = { kind: "done" };
      wake();
    },
    (error: unknown) => {
      state = { kind: "failed", error };
      wake();
    },
  );
  const current = (): typeof state => state;
  for (;;) {
    const next = ready.shift();
    if (next !== undefined) {
      yield next;
      continue;
    }
    const now = current();
    if (now.kind === "failed") throw now.error;
    if (now.kind === "done") break;
    await new Promise<void>((resolve) => {
      wake = resolve;
      if (ready.length > 0 || current().kind !== "running") resolve();
    });
  }
  await finished;
}

/**
 * SmolLM2-135M-Instruct (Apache-2.0) on this machine's CPU, one request at a time. Its vectors are those of a model made for writing, not for
 * comparing.
 * @throws Error when the files are not what `npm run model:install` installs
 */
export async function embedded({ modelPath, runtimeFolder }: EmbeddedModel): Promise<TextGenerator> {
  const entry = createRequire(`${runtimeFolder}/package.json`).resolve("node-llama-cpp");
  const { getLlama, LlamaChatSession } = (await import(pathToFileURL(entry).href)) as LlamaModule;
  // The threads wait for each other at every step, so one that has to share its core with the caller holds up all of them.
  const threads = Math.max(1, availableParallelism() - 1);
  const llama = await getLlama({ gpu: false, build: "never", maxThreads: threads, logLevel: "error" });
  const model = await llama.loadModel({ modelPath });
  const context = await model.createContext({ contextSize: CONTEXT_TOKENS, sequences: 1, threads });
  const sequence = context.getSequence();
  let vectors: ReturnType<LlamaModel["createEmbeddingContext"]> | undefined;
  return {
    model: "smollm2-135m-instruct",
    kind: "embedded",
    countTokens: (text) => model.tokenize(text).length,
    async *generate({ messages, maxTokens, temperature, seed, signal }: GenerationRequest) {
      await sequence.clearHistory();
      const session = new LlamaChatSession({ contextSequence: sequence, autoDisposeSequence: false });
      try {
        session.setChatHistory(history(messages.slice(0, -1)));
        yield* pieces((onTextChunk) =>
          session.prompt(messages.at(-1)?.content ?? "", {
            maxTokens,
            temperature,
            seed,
            signal,
            stopOnAbortSignal: true,
            onTextChunk,
          }),
        );
      } finally {
        session.dispose();
      }
    },
    async embed(text) {
      vectors ??= model.createEmbeddingContext({ contextSize: CONTEXT_TOKENS, threads: 1 });
      const { vector } = await (await vectors).getEmbeddingFor(text);
      return { vector, tokens: model.tokenize(text).length };
    },
    close: () => llama.dispose(),
  };
}
