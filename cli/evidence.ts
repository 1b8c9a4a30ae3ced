import { generateKeyPairSync } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { EvidenceError, verifyEvidence } from "../policies/evidence.ts";
import { EXIT, print, printJson, progress } from "./context.ts";
import { jsonOf, textOf } from "./files.ts";

interface VerifyOptions {
  readonly key: string;
  readonly json?: true;
}

function verify(file: string, { key, json }: VerifyOptions): void {
  const record = verifyEvidence(jsonOf(file), textOf(key));
  if (json === true) {
    printJson(record);
    return;
  }
  const { stack, asOf, source, git, totals, stopping, graphSha256, configSha256 } = record;
  print(`signature fits; what was signed:`);
  print(`  stack ${stack}, judged as of ${asOf}, from ${source}`);
  print(`  commit ${git.commit ?? "unknown"} (${git.tree} tree)`);
  print(`  graph ${graphSha256}`);
  print(`  configuration ${configSha256}`);
  print(
    `  ${Object.entries(totals)
      .map(([status, count]) => `${count} ${status}`)
      .join(", ")}; ${stopping} mandatory findings`,
  );
  print("This proves who signed which result, not that a control sees everything.");
}

function makeKey({ out }: { readonly out: string }): void {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  mkdirSync(out, { recursive: true });
  const write = (name: string, text: string, mode: number): void => {
    const path = join(out, name);
    try {
      writeFileSync(path, text, { flag: "wx", mode });
    } catch {
      throw new EvidenceError(`${path}: is there already, or cannot be written; keys are never overwritten`);
    }
    progress(`wrote ${path}`);
  };
  write("evidence-private.pem", privateKey.export({ type: "pkcs8", format: "pem" }).toString(), 0o600);
  write("evidence-public.pem", publicKey.export({ type: "spki", format: "pem" }).toString(), 0o644);
}

/** `llmops evidence`: signed records of what was checked. */
export function evidenceCommand(): Command {
  const command = new Command("evidence").description("signed records of policy checks");
  command
    .command("verify")
    .description(
      `check the signature of a record and print what it says; exit code ${EXIT.failure} when it does not fit`,
    )
    .argument("<file>", "record written by `llmops policy check --evidence`")
    .requiredOption("--key <file>", "public key in PEM")
    .option("--json", "print the whole record")
    .action(verify);
  command
    .command("key")
    .description("make a key pair for signing; keep the private key where only CI reads it")
    .requiredOption("--out <folder>", "folder for the two files")
    .action(makeKey);
  return command;
}
