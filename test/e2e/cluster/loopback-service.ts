import { connect, createServer, type Server, type Socket } from "node:net";
import { freePort } from "./processes.ts";

/** What a Service is: one address in front of the ready pods, each connection to one of them at random; refused when there is none. */
export class LoopbackService {
  readonly #open = new Map<number, Set<Socket>>();
  readonly #port: number;
  #server: Server | undefined;
  #ports: readonly number[] = [];

  private constructor(port: number) {
    this.#port = port;
  }

  /** A service without pods. */
  static async create(): Promise<LoopbackService> {
    return new LoopbackService(await freePort());
  }

  /** Address callers use. */
  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Sends new connections to these ports; without any it does not listen, as kube-proxy refuses where no endpoint is. */
  route(ports: readonly number[]): void {
    this.#ports = ports;
    if (ports.length === 0) {
      this.#server?.close();
      this.#server = undefined;
      return;
    }
    this.#server ??= createServer((client) => {
      this.#connect(client);
    }).listen(this.#port, "127.0.0.1");
  }

  /** Connections to a port. */
  connections(port: number): number {
    return this.#open.get(port)?.size ?? 0;
  }

  #connect(client: Socket): void {
    const port = this.#ports[Math.floor(Math.random() * this.#ports.length)];
    if (port === undefined) {
      client.destroy();
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
  close(): void {
    for (const open of this.#open.values()) for (const socket of open) socket.destroy();
    this.route([]);
  }
}
