/**
 * What the functions of a TypeScript project refer to, as its compiler resolves it: run by node.
 *
 * `node recall_truth_typescript.mjs TYPESCRIPT ROOT` prints a JSON list of functions with their items. TYPESCRIPT is the
 * folder of the `typescript` package, ROOT that of the sources. Every identifier in a function is asked for, imports
 * followed to what they import.
 */

import { createRequire } from "node:module";
import { readdirSync } from "node:fs";
import path from "node:path";

const FEWEST_LINES = 3;
/** What has more is a property of a union of many types: no one definition is meant by it. */
const MOST_DECLARATIONS = 3;
const ts = createRequire(import.meta.url)(path.resolve(process.argv[2]));
const root = path.resolve(process.argv[3]);

const files = readdirSync(root, { recursive: true })
  .filter((name) => name.endsWith(".ts"))
  .map((name) => path.join(root, name))
  .sort();
const program = ts.createProgram(files, {
  strict: true,
  noEmit: true,
  types: [],
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
});
const checker = program.getTypeChecker();

const lineOf = (file, offset) => file.getLineAndCharacterOfPosition(offset).line + 1;

/** The node whose lines are the function's, and its name; undefined for whatever is no function. */
function functionOf(node) {
  const declared = ts.isFunctionDeclaration(node) || ts.isMethodDeclaration(node) || ts.isConstructorDeclaration(node);
  if (declared && node.body) return { node, name: node.name?.getText() ?? "constructor" };
  if (!ts.isVariableStatement(node) || node.declarationList.declarations.length !== 1) return undefined;
  const [{ name, initializer }] = node.declarationList.declarations;
  const value = initializer && ts.skipOuterExpressions(initializer);
  const isFunction = value && (ts.isArrowFunction(value) || ts.isFunctionExpression(value));
  return isFunction ? { node, name: name.getText() } : undefined;
}

/** Those that stand in no other function. */
function* functions(node) {
  const children = [];
  ts.forEachChild(node, (child) => void children.push(child));
  for (const child of children) {
    const found = functionOf(child);
    if (found) yield found;
    else yield* functions(child);
  }
}

function* identifiers(node) {
  if (ts.isIdentifier(node) || ts.isPrivateIdentifier(node)) yield node;
  const children = [];
  ts.forEachChild(node, (child) => void children.push(child));
  for (const child of children) yield* identifiers(child);
}

function symbolOf(identifier) {
  const symbol = ts.isShorthandPropertyAssignment(identifier.parent)
    ? checker.getShorthandAssignmentValueSymbol(identifier.parent)
    : checker.getSymbolAtLocation(identifier);
  return symbol && symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
}

const isType = (node) => ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node);
const isTypeAndValue = (node) => ts.isClassDeclaration(node) || ts.isEnumDeclaration(node);
const isFunction = (node) => ts.isFunctionDeclaration(node) || ts.isMethodDeclaration(node);

function isVariableOfModule(node) {
  if (!ts.isVariableDeclaration(node) || !ts.isIdentifier(node.name)) return false;
  const around = node.parent.parent.parent;
  return around !== undefined && (ts.isSourceFile(around) || ts.isModuleBlock(around));
}

const isMember = (node) =>
  ts.isEnumMember(node) ||
  ((ts.isClassLike(node.parent) || ts.isInterfaceDeclaration(node.parent)) &&
    (ts.isMethodDeclaration(node) || ts.isMethodSignature(node) || ts.isAccessor(node) ||
      ts.isPropertyDeclaration(node) || ts.isPropertySignature(node)));

/** The declarations that are meant: of an interface and a constant of one name only one, of overloads the body. */
function declarationsOf(identifier) {
  const all = (symbolOf(identifier)?.declarations ?? []).filter((node) => !ts.isSourceFile(node));
  const wanted = ts.isPartOfTypeNode(identifier)
    ? all.filter((node) => isType(node) || isTypeAndValue(node) || isMember(node))
    : all.filter((node) => isFunction(node) || isTypeAndValue(node) || isVariableOfModule(node) || isMember(node));
  const body = wanted.find((node) => isFunction(node) && node.body);
  if (body && wanted.every(isFunction)) return [body];
  return wanted.length > MOST_DECLARATIONS ? [] : wanted;
}

function* itemsOf(identifier) {
  for (const node of declarationsOf(identifier)) {
    const file = node.getSourceFile();
    const relative = path.relative(root, file.fileName);
    if (!relative.startsWith("..") && node.name) {
      yield [relative, lineOf(file, node.name.getStart()), node.name.getText()];
    }
  }
}

const found = [];
for (const name of files) {
  const file = program.getSourceFile(name);
  const module = path.relative(root, name);
  for (const { node, name: called } of functions(file)) {
    const first = lineOf(file, node.getStart());
    const last = lineOf(file, node.getEnd());
    if (last - first + 1 < FEWEST_LINES) continue;
    const items = new Map();
    const names = new Set();
    for (const identifier of identifiers(node)) {
      names.add(identifier.text);
      for (const item of itemsOf(identifier)) {
        const own = item[0] === module && first <= item[1] && item[1] <= last;
        if (!own) items.set(item.join("\0"), item);
      }
    }
    found.push({ path: module, name: called, first, last, identifiers: [...names].sort(), items: [...items.values()].sort() });
  }
}
process.stdout.write(JSON.stringify(found));
