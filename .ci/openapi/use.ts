// Compiled, never run: a client that uses the generated types as a front end would.
import type { components, operations, paths } from "./patchbay";

type Problem = components["schemas"]["Problem"];
type Product = components["schemas"]["ProductView"];
type Created = operations["create_product"]["responses"]["201"]["content"]["application/json"];

export const titleOf = (problem: Problem): string => problem.title;
export const nameOf = (created: Created): Product["name"] => created.name;
export type Paths = keyof paths;
