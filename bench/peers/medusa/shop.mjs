// Medusa's modules of orders, inventory and locking as its application loads them, with their own migrations and
// defaults, and without its HTTP server.
import { asValue } from '@medusajs/framework/awilix'
import { MedusaApp, MedusaAppMigrateUp } from '@medusajs/framework/modules-sdk'
import { ContainerRegistrationKeys, createMedusaContainer, Modules, ModulesSdkUtils } from '@medusajs/framework/utils'

// As it is when it serves customers.
process.env.NODE_ENV ??= 'production'

export const LOCATION = 'sloc_main'
export const itemId = (product) => `iitem_${product}`

const logger = { info() {}, debug() {}, log() {}, warn: console.error, error: console.error }

function optionsFor(url) {
  const sharedContainer = createMedusaContainer()
  sharedContainer.register(ContainerRegistrationKeys.LOGGER, asValue(logger))
  return {
    cwd: import.meta.dirname,
    sharedContainer,
    sharedResourcesConfig: { database: { clientUrl: url } },
    modulesConfig: {
      [Modules.ORDER]: { resolve: '@medusajs/order' },
      [Modules.INVENTORY]: { resolve: '@medusajs/inventory' },
      // Its own lock, in the memory of the process, is the default.
      [Modules.LOCKING]: { resolve: '@medusajs/locking' },
      // Links to modules that are not here.
      [Modules.LINK]: { initialize: async () => ({}), getMigrationPlanner() {} },
    },
  }
}

export const migrate = (url) => MedusaAppMigrateUp(optionsFor(url))

export async function openMedusa(url) {
  const connection = ModulesSdkUtils.createPgConnection({ clientUrl: url })
  const injectedDependencies = { [ContainerRegistrationKeys.PG_CONNECTION]: connection }
  const app = await MedusaApp({ ...optionsFor(url), injectedDependencies })
  await app.onApplicationStart()
  return {
    orders: app.modules[Modules.ORDER],
    inventory: app.modules[Modules.INVENTORY],
    locking: app.modules[Modules.LOCKING],
    async close() {
      await app.onApplicationPrepareShutdown()
      await app.onApplicationShutdown()
      await connection.destroy()
    },
  }
}
