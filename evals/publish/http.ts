import type { z } from "zod";

/** A platform refused or did not answer as it should; the message names address and reason, never a key. */
export class PublishError extends Error {
  override readonly name = "PublishError";

  /** Status of the answer; undefined where there was none. */
  readonly status: number | undefined;

  constructor(message: string, status?: number) {
    super(message);
    this.status = status;
  }
}

const TIMEOUT_MS = 30_000;

/**
 * Sends JSON and reads JSON.
 * @throws PublishError when the address cannot be reached, refuses, or answers something else
 */
export async function sendJson<T>(
  url: string,
  headers: Readonly<Record<string, string>>,
  body: unknown,
  answer: z.ZodType<T>,
  method: "GET" | "POST" = "POST",
): Promise<T> {
  let response: Response;
  try {
    response = await fetch(url, {
      method,
      headers: { "content-type": "application/json", ...headers },
      ...(method === "GET" ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch (error) {
    const cause =
      error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
    throw new PublishError(`${url} cannot be reached: ${cause}`);
  }
  const text = await response.text();
  if (!response.ok)
    throw new PublishError(`${url} answered ${response.status}: ${text.slice(0, 300)}`, response.status);
  try {
    return answer.parse(text === "" ? {} : JSON.parse(text));
  } catch {
    throw new PublishError(
      `${url} answered something else than expected: ${text.slice(0, 300)}`,
      response.status,
    );
  }
}
