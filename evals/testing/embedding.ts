import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** A request for vectors. */
export interface EmbeddingRequest {
  readonly path: string;
  readonly authorization: string;
  readonly model: string;
  readonly input: readonly string[];
}

/** A program in the place of an embedding model, behind an OpenAI-compatible address. */
export interface ScriptedEmbedding {
  readonly url: string;
  readonly requests: readonly EmbeddingRequest[];
  close(): Promise<void>;
}

/** Answers the vectors of texts; one token for each text. */
export function vectors(of: readonly (readonly number[])[]): object {
  return {
    object: "list",
    data: of.map((embedding, index) => ({ object: "embedding", index, embedding })),
    usage: { prompt_tokens: of.length, total_tokens: of.length },
  };
}

/** Starts a server that answers what a function says: a body, or a status with the error code of a guard or of none. */
export async function scriptedEmbedding(
  says: (request: EmbeddingRequest) => object | { readonly status: number; readonly code: string },
): Promise<ScriptedEmbedding> {
  const requests: EmbeddingRequest[] = [];
  const server = createServer((request, response) => {
    let text = "";
    request.on("data", (block: Buffer) => (text += block.toString()));
    request.on("end", () => {
      const { model, input } = JSON.parse(text) as Pick<EmbeddingRequest, "model" | "input">;
      const seen = {
        path: request.url ?? "",
        authorization: request.headers.authorization ?? "",
        model,
        input,
      };
      requests.push(seen);
      const said = says(seen);
      const refused = "status" in said && "code" in said;
      response.writeHead(refused ? said.status : 200, { "content-type": "application/json" });
      response.end(JSON.stringify(refused ? { error: { code: said.code, message: said.code } } : said));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => {
          resolve();
        });
      }),
  };
}
