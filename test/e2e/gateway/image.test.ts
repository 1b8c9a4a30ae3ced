import { spawn, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { configFor } from "../../../gateway/src/testing/gateway-under-test.ts";

/**
 * Carries out the Dockerfile's own COPY and RUN lines in a folder and starts its entry point. It proves that the files
 * and packages the image gets are enough; it does not prove that a container runtime accepts the image.
 */
const ROOT = join(import.meta.dirname, "..", "..", "..");
const folder = mkdtempSync(join(tmpdir(), "image-"));

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

it("has everything the gateway needs to start, and nothing of the tests", { timeout: 240_000 }, async () => {
  const stage = readFileSync(join(ROOT, "gateway", "Dockerfile"), "utf8").split(/^FROM /m)[1] ?? "";
  for (const line of stage.split("\n")) {
    const [, instruction, rest = ""] = /^(COPY|RUN) (.*)$/.exec(line) ?? [];
    if (instruction === "COPY") {
      const words = rest.split(" ");
      const target = join(folder, words.pop() ?? "");
      for (const source of words) {
        const to = rest.endsWith("./") ? join(target, source) : target;
        mkdirSync(join(to, ".."), { recursive: true });
        cpSync(join(ROOT, source), to, { recursive: true });
      }
    } else if (instruction === "RUN") {
      const { status, stderr } = spawnSync("sh", ["-c", rest], { cwd: folder, encoding: "utf8" });
      expect([rest, status, stderr.includes("npm error")]).toEqual([rest, 0, false]);
    }
  }
  const found = spawnSync("find", [folder, "-path", "*gateway/src*", "-name", "*.test.ts"], {
    encoding: "utf8",
  });
  expect(found.stdout).toBe("");
  const entry = /^ENTRYPOINT \["\/nodejs\/bin\/node", .*"(.*)"\]$/m.exec(
    readFileSync(join(ROOT, "gateway", "Dockerfile"), "utf8"),
  )?.[1];
  const file = join(folder, "gateway.yaml");
  writeFileSync(file, JSON.stringify(configFor(folder, ["http://127.0.0.1:1"])));
  const child = spawn(process.execPath, [entry ?? "", file, "--writer", "gateway-0"], {
    cwd: folder,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
  for await (const line of createInterface({ input: child.stdout })) {
    const { event, url, writer } = JSON.parse(line) as { event: string; url: string; writer: string };
    if (event !== "listening") continue;
    expect(writer).toMatch(/^gateway-0-[0-9a-f]{8}$/);
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    child.kill("SIGTERM");
  }
  expect(await ended).toBe(0);
});
