/** The documents of the order model: one schema each for validation, serialisation, OpenAPI and the TypeScript type. */
export * from './catalogue/schemas.ts'
export * from './catalogue/stock-schemas.ts'
export * from './lifecycle/schemas.ts'
export * from './lists/schemas.ts'
export * from './placing/schemas.ts'
export * from './report/schemas.ts'
