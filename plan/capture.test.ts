import { describe, expect, it } from "vitest";
import * as pulumi from "@pulumi/pulumi";
import { capture } from "./capture.ts";

describe("an error of a program", () => {
  function brokenProgram(): never {
    throw new Error("no such zone");
  }

  it("says where it was thrown, and later errors have their whole trace again", async () => {
    const before = Error.stackTraceLimit;
    const error = await capture({ stack: "dev", program: brokenProgram }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      message: "no such zone",
      stack: expect.stringMatching(/brokenProgram.*capture\.test\.ts:\d+/) as string,
    });
    expect([before > 1, Error.stackTraceLimit]).toEqual([true, before]);
  });
});

it("a program that asks the cloud for data cannot be planned offline", async () => {
  const asking = capture({
    stack: "dev",
    program: () => pulumi.runtime.invoke("aws:index/getRegion:getRegion", {}),
  });
  await expect(asking).rejects.toThrow(
    "aws:index/getRegion:getRegion: the program asks the cloud for data, so it cannot be planned offline",
  );
});
