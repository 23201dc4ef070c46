// Reads from a file's syntax tree what it imports, statically, dynamically or through `require`. Knows no rule.
import ts from 'typescript';

export interface SourceText {
  /** Relative to src/, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

export interface Import {
  /** As written; undefined when it is computed. */
  readonly specifier: string | undefined;
  readonly isTypeOnly: boolean;
}

export function parse(file: SourceText): ts.SourceFile {
  const kind = file.path.endsWith('.tsx') ? ts.ScriptKind.TSX : ts.ScriptKind.TS;
  return ts.createSourceFile(file.path, file.text, ts.ScriptTarget.ES2023, true, kind);
}

/** Visits the node and everything below it. */
export function walk(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node);
  ts.forEachChild(node, (child) => walk(child, visit));
}

function literal(node: ts.Node | undefined): string | undefined {
  return node && ts.isStringLiteralLike(node) ? node.text : undefined;
}

function isCallOf(node: ts.Node, name: string): node is ts.CallExpression {
  return ts.isCallExpression(node) && ts.isIdentifier(node.expression) && node.expression.text === name;
}

/** Names by which a file calls `require`, whatever it has named the result of `createRequire`. */
function requireNames(source: ts.SourceFile): Set<string> {
  const names = new Set(['require']);
  walk(source, (node) => {
    const isRequire =
      ts.isVariableDeclaration(node) && node.initializer && isCallOf(node.initializer, 'createRequire');
    if (isRequire && ts.isIdentifier(node.name)) names.add(node.name.text);
  });
  return names;
}

/** True for `import type …` and for `import { type A, type B } …`. */
function isTypeOnlyImport(node: ts.ImportDeclaration): boolean {
  const clause = node.importClause;
  if (!clause) return false;
  if (clause.isTypeOnly) return true;
  const named = clause.namedBindings;
  if (clause.name || !named || !ts.isNamedImports(named)) return false;
  return named.elements.length > 0 && named.elements.every((element) => element.isTypeOnly);
}

/** A template such as `./commands/${name}.js` stays in its folder: it stands for the folder. */
function templateFolder(node: ts.Node | undefined): string | undefined {
  const isLocal = node && ts.isTemplateExpression(node) && /^\.\/([\w-]+\/)*$/.test(node.head.text);
  return isLocal ? `${node.head.text}any.js` : undefined;
}

/** What a call loads: import(), require(), require.resolve(), createRequire(…)() and new URL(…, import.meta.url). */
function loadedBy(node: ts.Node, requires: ReadonlySet<string>): Import | undefined {
  if (ts.isNewExpression(node) && ts.isIdentifier(node.expression) && node.expression.text === 'URL') {
    const target = literal(node.arguments?.[0]);
    return node.arguments?.[1]?.getText() === 'import.meta.url' && target?.endsWith('.js')
      ? { specifier: target, isTypeOnly: false }
      : undefined;
  }
  if (!ts.isCallExpression(node)) return undefined;
  const callee = ts.isPropertyAccessExpression(node.expression)
    ? node.expression.expression
    : node.expression;
  const isMethod = ts.isPropertyAccessExpression(node.expression) && node.expression.name.text !== 'resolve';
  const isLoad =
    callee.kind === ts.SyntaxKind.ImportKeyword ||
    isCallOf(callee, 'createRequire') ||
    (ts.isIdentifier(callee) && requires.has(callee.text));
  if (!isLoad || isMethod) return undefined;
  const argument = node.arguments[0];
  return { specifier: literal(argument) ?? templateFolder(argument), isTypeOnly: false };
}

/** Everything that the file loads, in whichever way. */
export function findImports(source: ts.SourceFile): Import[] {
  const imports: Import[] = [];
  const requires = requireNames(source);
  walk(source, (node) => {
    if (ts.isImportDeclaration(node)) {
      imports.push({ specifier: literal(node.moduleSpecifier), isTypeOnly: isTypeOnlyImport(node) });
    } else if (ts.isExportDeclaration(node) && node.moduleSpecifier) {
      imports.push({ specifier: literal(node.moduleSpecifier), isTypeOnly: node.isTypeOnly });
    } else if (ts.isImportTypeNode(node)) {
      const argument = ts.isLiteralTypeNode(node.argument) ? node.argument.literal : undefined;
      imports.push({ specifier: literal(argument), isTypeOnly: true });
    } else {
      const loaded = loadedBy(node, requires);
      if (loaded) imports.push(loaded);
    }
  });
  return imports;
}
