import type { IncomingMessage, ServerResponse } from "node:http";
import type { Json } from "../guards/leaves.ts";

/** A request that ends with an error answer. */
export interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly retryAfterSeconds?: number;
  /** Further headers of the answer. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Answer while the audit log takes no records. */
export const AUDIT_UNAVAILABLE: Refusal = {
  status: 503,
  code: "audit_unavailable",
  message: "Calls cannot be recorded now.",
  retryAfterSeconds: 5,
};

/** Answer while the limits cannot be read. */
export const LIMITS_UNAVAILABLE: Refusal = {
  status: 503,
  code: "limits_unavailable",
  message: "The limits cannot be read now.",
  retryAfterSeconds: 2,
};

/** Answer while the content of calls must be kept and cannot. */
export const CONTENT_NOT_KEPT: Refusal = {
  status: 503,
  code: "content_not_kept",
  message: "The content of calls cannot be kept now.",
  retryAfterSeconds: 5,
};

/** Answer to a call that met a fault of the gateway. */
export const INTERNAL_ERROR: Refusal = {
  status: 500,
  code: "internal_error",
  message: "The gateway failed.",
};

/** Answer while a person keeps the model stopped. */
export const STOPPED: Refusal = {
  status: 503,
  code: "stopped_by_operator",
  message: "A person has stopped this model.",
};

/** Body of an error answer in the format of the endpoint. */
export function errorBody(path: string, refusal: Refusal): Json {
  const { message, code, status } = refusal;
  const type = status >= 500 ? "server_error" : status === 429 ? "rate_limit_error" : "invalid_request_error";
  if (path === "/v1/messages") return { type: "error", error: { type: code, message } };
  return { error: { message, type, param: null, code } };
}

/** Sends an answer at once. */
export function send(
  res: ServerResponse,
  status: number,
  type: string,
  body: string,
  more: Record<string, string> = {},
): void {
  if (res.headersSent || res.destroyed) return;
  res.writeHead(status, {
    "content-type": type,
    "content-length": Buffer.byteLength(body),
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    ...more,
  });
  res.end(body);
}

/** Header that lets a caller put the tools it runs below this request (W3C Trace Context, level 2). */
export function traceHeaders({
  traceparent,
}: {
  readonly traceparent: string | null;
}): Record<string, string> {
  return traceparent === null ? {} : { traceresponse: traceparent };
}

/** Sends an error answer. */
export function refuse(res: ServerResponse, path: string, refusal: Refusal): void {
  const { retryAfterSeconds } = refusal;
  const more: Record<string, string> = {
    ...refusal.headers,
    ...(retryAfterSeconds === undefined ? {} : { "retry-after": String(retryAfterSeconds) }),
  };
  if (refusal.status === 413 || refusal.status === 408) more["connection"] = "close";
  send(res, refusal.status, "application/json", JSON.stringify(errorBody(path, refusal)), more);
}

const SINGLE = [
  "authorization",
  "x-api-key",
  "content-type",
  "content-length",
  "host",
  "traceparent",
  "transfer-encoding",
];

/** Name of a header that must be there once and is there more often, or null. */
export function repeatedHeader(req: IncomingMessage): string | null {
  return SINGLE.find((name) => (req.headersDistinct[name]?.length ?? 0) > 1) ?? null;
}

/** A body that could be read, or why not. */
export type ReadBody =
  { readonly kind: "body"; readonly bytes: Buffer } | { readonly kind: "refused"; readonly refusal: Refusal };

/** Reads a request body with a limit on its size and on the time it may take. */
export function readBody(req: IncomingMessage, limit: number, ms: number): Promise<ReadBody> {
  const tooLarge = { status: 413, code: "body_too_large", message: `The body may have ${limit} bytes.` };
  if (Number(req.headers["content-length"] ?? 0) > limit)
    return Promise.resolve({ kind: "refused", refusal: tooLarge });
  return new Promise((resolve) => {
    const parts: Buffer[] = [];
    let size = 0;
    const done = (result: ReadBody): void => {
      clearTimeout(timer);
      req.removeAllListeners("data");
      resolve(result);
    };
    const stop = (refusal: Refusal): void => {
      req.pause();
      done({ kind: "refused", refusal });
    };
    const timer = setTimeout(() => {
      stop({ status: 408, code: "body_timeout", message: "The body took too long." });
    }, ms);
    req.on("data", (part: Buffer) => {
      size += part.length;
      parts.push(part);
      if (size > limit) stop(tooLarge);
    });
    req.once("end", () => {
      done({ kind: "body", bytes: Buffer.concat(parts) });
    });
    req.once("close", () => {
      done({
        kind: "refused",
        refusal: { status: 400, code: "body_incomplete", message: "The body ended early." },
      });
    });
  });
}
