export { verifyDirectory } from "./audit/verify.ts";
export type { Verification, VerifyOptions } from "./audit/verify.ts";
