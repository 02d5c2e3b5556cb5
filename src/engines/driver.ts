import { AppError } from '../core/errors.ts'

/**
 * Loads the package of a driver when an engine is first opened: drivers are optional, and one that is not used costs
 * nothing. Throws `driver_missing`, which says how to install it.
 */
export async function loadDriver<T>(product: string, packageName: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load()
  } catch (cause) {
    const message = `${product} needs the package "${packageName}": run  npm install ${packageName}`
    throw new AppError('driver_missing', message, { cause })
  }
}
