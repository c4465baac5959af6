import ts from "typescript";

/**
 * Makes declarations what tools of all kinds and TypeScript since 5.4 read.
 *
 * In declarations the compiler leaves `./file.ts` as it stands in the source; other tools than itself look for a file
 * of that name. They become `./file.js`, as in the code.
 */
export const readableDeclarations: ts.CustomTransformerFactory = (context) => ({
  transformSourceFile: (file) => ts.visitEachChild(file, visitor(context), context),
  transformBundle: (bundle) => bundle,
});

function visitor(context: ts.TransformationContext): ts.Visitor {
  const { factory } = context;
  const visit: ts.Visitor = (node) => {
    if (ts.isImportDeclaration(node))
      return factory.updateImportDeclaration(
        node,
        node.modifiers,
        node.importClause,
        renamed(factory, node.moduleSpecifier),
        node.attributes,
      );
    if (ts.isExportDeclaration(node) && node.moduleSpecifier)
      return factory.updateExportDeclaration(
        node,
        node.modifiers,
        node.isTypeOnly,
        node.exportClause,
        renamed(factory, node.moduleSpecifier),
        node.attributes,
      );
    if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument))
      return factory.updateImportTypeNode(
        node,
        factory.createLiteralTypeNode(renamed(factory, node.argument.literal)),
        node.attributes,
        node.qualifier,
        node.typeArguments,
        node.isTypeOf,
      );
    // Before 5.7 TypeScript's Uint8Array had no parameter for the buffer under it.
    if (ts.isTypeReferenceNode(node) && ts.isIdentifier(node.typeName) && node.typeName.text === "Uint8Array")
      return factory.createTypeReferenceNode("Uint8Array");
    if (ts.isModuleDeclaration(node))
      return factory.updateModuleDeclaration(node, node.modifiers, renamed(factory, node.name), node.body);
    return ts.visitEachChild(node, visit, context);
  };
  return visit;
}

function renamed<T extends ts.Node>(factory: ts.NodeFactory, node: T): T | ts.StringLiteral {
  if (!ts.isStringLiteral(node) || !/^\.\.?\/.*(?<!\.d)\.ts$/.test(node.text)) return node;
  return factory.createStringLiteral(node.text.replace(/\.ts$/, ".js"));
}
