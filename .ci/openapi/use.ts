// Compiled, never run: a client that uses the generated types as a front end would.
import type { components, operations, paths } from "./patchbay";

type Problem = components["schemas"]["Problem"];
export const titleOf = (problem: Problem): string => problem.title;
export type Paths = keyof paths;
export type Operations = keyof operations;
