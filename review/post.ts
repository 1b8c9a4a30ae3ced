import { z } from "zod";
import { MARKER } from "./comment.ts";

/** Where a comment goes. */
export interface CommentTarget {
  /** Lists the comments of the pull request, newest last. */
  readonly list: string;
  /** Address of one comment. */
  readonly one: (id: number) => string;
  readonly headers: Readonly<Record<string, string>>;
  /** Method that replaces a comment. */
  readonly replace: "PATCH" | "PUT";
}

/** A comment cannot be posted. */
export class PostError extends Error {
  override readonly name = "PostError";
}

const commentsSchema = z.array(z.looseObject({ id: z.number(), body: z.string() }));
const PAGE = 100;

function required(environment: NodeJS.ProcessEnv, name: string): string {
  const value = environment[name];
  if (value === undefined || value === "")
    throw new PostError(`the variable ${name} is missing; run this in the CI job of a pull request`);
  return value;
}

/**
 * Where the CI system of this job takes comments.
 * @throws PostError naming the variable that is missing
 */
export function targetOf(system: "github" | "gitlab", environment: NodeJS.ProcessEnv): CommentTarget {
  if (system === "github") {
    const api = environment["GITHUB_API_URL"] ?? "https://api.github.com";
    const repository = `${api}/repos/${required(environment, "GITHUB_REPOSITORY")}`;
    return {
      list: `${repository}/issues/${required(environment, "PULL_REQUEST")}/comments?per_page=${PAGE}`,
      one: (id) => `${repository}/issues/comments/${id}`,
      headers: {
        authorization: `Bearer ${required(environment, "GITHUB_TOKEN")}`,
        accept: "application/vnd.github+json",
      },
      replace: "PATCH",
    };
  }
  const project = `${required(environment, "CI_API_V4_URL")}/projects/${required(environment, "CI_PROJECT_ID")}`;
  const notes = `${project}/merge_requests/${required(environment, "CI_MERGE_REQUEST_IID")}/notes`;
  return {
    list: `${notes}?per_page=${PAGE}`,
    one: (id) => `${notes}/${id}`,
    headers: { "private-token": required(environment, "GITLAB_TOKEN") },
    replace: "PUT",
  };
}

async function ask(target: CommentTarget, url: string, method: string, body?: string): Promise<unknown> {
  const response = await fetch(url, {
    method,
    headers: { ...target.headers, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify({ body }) }),
  });
  if (!response.ok)
    throw new PostError(
      `${method} ${url} answered ${response.status}: ${(await response.text()).slice(0, 300)}`,
    );
  return response.json();
}

async function find(target: CommentTarget): Promise<number | undefined> {
  for (let page = 1; ; page += 1) {
    const comments = commentsSchema.parse(await ask(target, `${target.list}&page=${page}`, "GET"));
    const own = comments.find(({ body }) => body.startsWith(MARKER));
    if (own !== undefined) return own.id;
    if (comments.length < PAGE) return undefined;
  }
}

/**
 * Posts the comment, or replaces the one an earlier run posted.
 * @throws PostError when the server refuses
 */
export async function postComment(target: CommentTarget, comment: string): Promise<"posted" | "replaced"> {
  const id = await find(target);
  if (id === undefined) {
    await ask(target, target.list.replace(/\?.*$/, ""), "POST", comment);
    return "posted";
  }
  await ask(target, target.one(id), target.replace, comment);
  return "replaced";
}
