import { createFanfold } from './app/fanfold.ts'

/** The API description (OpenAPI 3.1), as the running server serves it at `/openapi.json`. */
export async function buildOpenApi(): Promise<object> {
  const fanfold = await createFanfold({ database: 'pglite:memory', workers: false })
  try {
    const http = await fanfold.createHttp()
    await http.ready()
    return http.swagger()
  } finally {
    await fanfold.close()
  }
}
