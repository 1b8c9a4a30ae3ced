import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { decode, encode, RECURSION_DESIRED } from "dns-packet";

/** Seconds CoreDNS lets its answers about Services be kept. @see https://coredns.io/plugins/kubernetes/ */
const TTL_SECONDS = 5;
const NO_SUCH_NAME = 3;

/** Makes a node process ask this name server, as a pod's resolv.conf does. */
const USE_NAME_SERVER = fileURLToPath(new URL("./use-name-server.ts", import.meta.url));

/** The cluster's name server: a headless Service's name stands for the addresses of its ready replicas, or for nobody. */
export class ClusterDns {
  readonly #socket: Socket;
  readonly #addresses = new Map<string, readonly string[]>();

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("message", (message, from) => {
      this.#answer(message, from);
    });
  }

  /** A name server without names. */
  static async start(): Promise<ClusterDns> {
    const socket = createSocket("udp4");
    socket.bind(0, "127.0.0.1");
    await once(socket, "listening");
    return new ClusterDns(socket);
  }

  /** What makes a process of node ask it. */
  get client(): { readonly args: readonly string[]; readonly env: NodeJS.ProcessEnv } {
    const { address, port } = this.#socket.address();
    return {
      args: ["--import", USE_NAME_SERVER],
      env: { ...process.env, NAME_SERVER: `${address}:${port}` },
    };
  }

  /** Addresses of a name from now on. */
  show(name: string, addresses: readonly string[]): void {
    this.#addresses.set(name, addresses);
  }

  close(): void {
    this.#socket.close();
  }

  #answer(message: Buffer, { address, port }: RemoteInfo): void {
    const { id, questions = [] } = decode(message);
    const answers = questions.flatMap(({ name, type }) =>
      type === "A"
        ? (this.#addresses.get(name) ?? []).map((data) => ({ type, name, ttl: TTL_SECONDS, data }) as const)
        : [],
    );
    const flags = RECURSION_DESIRED | (answers.length === 0 ? NO_SUCH_NAME : 0);
    this.#socket.send(
      encode({ type: "response", ...(id === undefined ? {} : { id }), flags, questions, answers }),
      port,
      address,
    );
  }
}
