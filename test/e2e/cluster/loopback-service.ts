import { connect, createServer, type Server, type Socket } from "node:net";
import type { AddressInfo } from "node:net";

/** What a Service is: one address in front of the ready pods, each connection to one of them at random. */
export class LoopbackService {
  readonly #server: Server;
  readonly #open = new Map<number, Set<Socket>>();
  #ports: readonly number[] = [];

  constructor() {
    this.#server = createServer((client) => {
      this.#connect(client);
    });
  }

  /** Starts on a free port; returns the address. */
  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Sends new connections to these ports. */
  route(ports: readonly number[]): void {
    this.#ports = ports;
  }

  /** Connections to a port. */
  connections(port: number): number {
    return this.#open.get(port)?.size ?? 0;
  }

  #connect(client: Socket): void {
    const port = this.#ports[Math.floor(Math.random() * this.#ports.length)];
    // Without endpoints a Service refuses.
    if (port === undefined) {
      client.resetAndDestroy();
      return;
    }
    const engine = connect(port, "127.0.0.1");
    const open = this.#open.get(port) ?? new Set();
    this.#open.set(port, open.add(client));
    client.pipe(engine).pipe(client);
    client.once("close", () => {
      open.delete(client);
      engine.destroy();
    });
    engine.once("close", () => client.destroy());
    client.on("error", () => engine.destroy());
    engine.on("error", () => client.destroy());
  }

  /** Cuts every connection. */
  async close(): Promise<void> {
    for (const open of this.#open.values()) for (const socket of open) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
