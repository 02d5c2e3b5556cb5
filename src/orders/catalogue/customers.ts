import type { Clock } from '../../core/clock.ts'
import { type CommandContext, idempotencyKeyOf } from '../../core/command.ts'
import { decodeCursor, type Page, type PageRequest, pageLimit, pageOf } from '../../core/cursor.ts'
import { AppError } from '../../core/errors.ts'
import { prefixedId } from '../../core/ids.ts'
import { validator } from '../../core/schema.ts'
import type { Customer, CustomerStore, StoredAddress } from '../ports.ts'
import { originOf } from './catalogue.ts'
import { addressDocument, addressOf, customerDocument } from './documents.ts'
import { type AddressDocument, AddressInput, CreateCustomer, type CustomerDocument } from './schemas.ts'

const checkCreate = validator(CreateCustomer)
const checkAddress = validator(AddressInput)

const notFound = (customerId: string) => new AppError('customer_not_found', `No customer ${customerId}`)

export function createCustomers({ store, clock }: { store: CustomerStore; clock: Clock }) {
  async function read(customerId: string): Promise<Customer> {
    const [customer] = await store.find([customerId])
    if (customer === undefined) throw notFound(customerId)
    return customer
  }

  return {
    /** Repeatable by `idempotencyKey`. Throws `invalid_input`, `already_exists`, `idempotency_key_reused`. */
    async createCustomer(input: CreateCustomer, context: CommandContext = {}): Promise<CustomerDocument> {
      const request = checkCreate(input)
      const origin = originOf(context, clock, idempotencyKeyOf(context, 'CreateCustomer', request))
      const customer: Customer = {
        customerId: request.customer_id ?? prefixedId('cus', 0, clock),
        name: request.name,
        email: request.email,
        guest: false,
        version: 1,
        createdAtMs: origin.atMs,
      }
      const { body, replayed } = await store.create(customer, origin, customerDocument)
      if (replayed) context.onReplay?.()
      return body
    },

    /** Throws `customer_not_found`. */
    async getCustomer(customerId: string): Promise<CustomerDocument> {
      return customerDocument(await read(customerId))
    },

    /** Customers by id; those that were erased are not among them. Throws `invalid_cursor`. */
    async listCustomers(page: PageRequest = {}): Promise<Page<CustomerDocument>> {
      const list = 'customers'
      const limit = pageLimit(page.limit)
      const [after] = decodeCursor(list, 1, page.cursor) ?? []
      const rows = await store.list(after, limit + 1)
      return pageOf(list, rows, limit, (customer) => [customer.customerId], customerDocument)
    },

    /** Repeatable by `idempotencyKey`. Throws `invalid_input`, `customer_not_found`, `idempotency_key_reused`. */
    async addAddress(customerId: string, input: AddressInput, context: CommandContext = {}): Promise<AddressDocument> {
      const request = checkAddress(input)
      const origin = originOf(context, clock, idempotencyKeyOf(context, 'AddAddress', { customerId, ...request }))
      const address: StoredAddress = {
        ...addressOf(request),
        addressId: prefixedId('adr', 0, clock),
        customerId,
        createdAtMs: origin.atMs,
      }
      const outcome = await store.addAddress(address, origin, addressDocument)
      if (outcome === undefined) throw notFound(customerId)
      if (outcome.replayed) context.onReplay?.()
      return outcome.body
    },

    /** Throws `customer_not_found`, `invalid_cursor`. */
    async listAddresses(customerId: string, page: PageRequest = {}): Promise<Page<AddressDocument>> {
      await read(customerId)
      const list = `addresses ${customerId}`
      const limit = pageLimit(page.limit)
      const [after] = decodeCursor(list, 1, page.cursor) ?? []
      const rows = await store.addresses(customerId, after, limit + 1)
      return pageOf(list, rows, limit, (address) => [address.addressId], addressDocument)
    },

    /**
     * Erases a person: name, e-mail and addresses go, also from orders and the report; amounts and cities stay.
     * Repeatable. Throws `customer_not_found`.
     */
    async eraseCustomer(customerId: string): Promise<void> {
      if (!(await store.erase(customerId, clock.now()))) throw notFound(customerId)
    },
  }
}
