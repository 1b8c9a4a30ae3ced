import { createHash, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { NotificationError, type Controller } from "./controller.ts";

const BODY_BYTES = 1024 * 1024;

function send(res: ServerResponse, status: number, body: unknown): void {
  res.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

/** @throws NotificationError when the body is too long or not JSON */
async function bodyOf(req: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of req as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > BODY_BYTES) throw new NotificationError("the body is too long");
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString("utf8")) as unknown;
  } catch {
    throw new NotificationError("the body is not JSON");
  }
}

async function handle(
  controller: Controller,
  token: string,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<void> {
  if (req.method === "GET" && req.url === "/healthz") {
    send(res, 200, { status: "ok" });
    return;
  }
  if (req.method !== "POST" || req.url !== "/alerts") {
    send(res, 404, { error: "there is only POST /alerts" });
    return;
  }
  const given = /^Bearer (.+)$/.exec(req.headers.authorization ?? "")?.[1] ?? "";
  if (!timingSafeEqual(digest(given), digest(token))) {
    send(res, 401, { error: "the token is missing or not known" });
    return;
  }
  const records = await controller.take(await bodyOf(req));
  // Alertmanager repeats what fails, and the record of the attempt does not stop a second one.
  send(res, records.some(({ event }) => event === "failed") ? 502 : 200, { records });
}

/** Makes the server that Alertmanager calls; it is not listening yet. */
export function createLoopsServer(controller: Controller, token: string): Server {
  if (token.length < 16) throw new RangeError("the token has fewer than 16 characters");
  return createServer({ requestTimeout: 30_000 }, (req, res) => {
    handle(controller, token, req, res).catch((error: unknown) => {
      if (error instanceof NotificationError) send(res, 400, { error: error.message });
      else send(res, 503, { error: "the alert could not be recorded" });
    });
  });
}
