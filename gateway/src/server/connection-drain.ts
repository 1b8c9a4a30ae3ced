import type { IncomingMessage, ServerResponse } from "node:http";

/** Ends every connection of a stopping server with the answer that runs on it: kept alive, it would bring requests that another replica could take. */
export class ConnectionDrain {
  readonly #running = new Set<ServerResponse>();
  #isDraining = false;

  /** Follows one request; to be called before it is answered. */
  follow(req: IncomingMessage, res: ServerResponse): void {
    if (this.#isDraining) res.setHeader("connection", "close");
    this.#running.add(res);
    res.once("finish", () => {
      if (this.#isDraining) req.socket.end();
    });
    res.once("close", () => this.#running.delete(res));
  }

  /** From now on answers say that their connection ends, where their head is still to come, and end it in any case. */
  begin(): void {
    this.#isDraining = true;
    for (const res of this.#running) if (!res.headersSent) res.setHeader("connection", "close");
  }
}
