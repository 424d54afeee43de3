import { expect, test } from "vitest";

import { short } from "../src/interface/canvas";
import { point } from "../src/interface/fields";

test.each([
  [0, "0"],
  [0.69315, "0.693"],
  [-1.5, "-1.5"],
  [123, "123"],
  [14_237, "14,200"],
  [3.2e9, "3.2e+9"],
  [1.23e-7, "1.2e-7"],
])("%s is written as “%s”", (value, text) => {
  expect(short(value)).toBe(text);
});

test("a decimal comma is a point", () => {
  expect([point("0,5"), point("0.5"), point("7")]).toEqual(["0.5", "0.5", "7"]);
});
