import Type from 'typebox'
import type { Orders } from '../../orders/orders.ts'
import {
  AddressDocument,
  AddressInput,
  AddressPage,
  ChangeProduct,
  CreateCustomer,
  CreateProduct,
  CustomerDocument,
  CustomerPage,
  PricePage,
  ProductDocument,
  ProductPage,
} from '../../orders/schemas.ts'
import { commandContext, NoContent, pagedQuery, problems, type Routes, versioned } from '../route.ts'

const ProductParams = Type.Object({ product_id: Type.String({ maxLength: 100, description: 'The product' }) })
const CustomerParams = Type.Object({ customer_id: Type.String({ maxLength: 100, description: 'The customer' }) })

type CatalogueService = Pick<
  Orders,
  | 'createProduct'
  | 'changeProduct'
  | 'getProduct'
  | 'listProducts'
  | 'listPrices'
  | 'createCustomer'
  | 'getCustomer'
  | 'listCustomers'
  | 'addAddress'
  | 'listAddresses'
  | 'eraseCustomer'
>

/** Products with price history; customers and their addresses. */
export function catalogueRoutes(orders: CatalogueService): Routes {
  return (app) => {
    productRoutes(orders)(app)
    customerRoutes(orders)(app)
  }
}

function productRoutes(orders: CatalogueService): Routes {
  return (app) => {
    app.post(
      '/v1/products',
      {
        config: { scope: 'orders', idempotency: 'optional' },
        schema: {
          operationId: 'createProduct',
          summary: 'Add a product',
          tags: ['orders'],
          body: CreateProduct,
          response: { 201: ProductDocument, ...problems },
        },
      },
      async (request, reply) => {
        const product = await orders.createProduct(request.body, commandContext(request, reply))
        return reply.code(201).send(versioned(reply, product))
      },
    )
    app.get(
      '/v1/products',
      {
        config: { scope: 'orders:read' },
        schema: {
          operationId: 'listProducts',
          summary: 'List products',
          tags: ['orders'],
          querystring: pagedQuery({
            category: Type.Optional(Type.String({ maxLength: 200, description: 'Only this category' })),
          }),
          response: { 200: ProductPage, ...problems },
        },
      },
      async ({ query: { category, ...page } }) => orders.listProducts({ category }, page),
    )
    app.get(
      '/v1/products/:product_id',
      {
        config: { scope: 'orders:read' },
        schema: {
          operationId: 'getProduct',
          summary: 'Read a product',
          tags: ['orders'],
          params: ProductParams,
          response: { 200: ProductDocument, ...problems },
        },
      },
      async (request, reply) => versioned(reply, await orders.getProduct(request.params.product_id)),
    )
    app.patch(
      '/v1/products/:product_id',
      {
        config: { scope: 'orders' },
        schema: {
          operationId: 'changeProduct',
          summary: 'Change a product; a new price joins its history',
          tags: ['orders'],
          params: ProductParams,
          body: ChangeProduct,
          response: { 200: ProductDocument, ...problems },
        },
      },
      async (request, reply) => {
        const { product_id } = request.params
        return versioned(reply, await orders.changeProduct(product_id, request.body, commandContext(request, reply)))
      },
    )
    app.get(
      '/v1/products/:product_id/prices',
      {
        config: { scope: 'orders:read' },
        schema: {
          operationId: 'listPrices',
          summary: 'List the prices a product has had, newest first',
          tags: ['orders'],
          params: ProductParams,
          querystring: pagedQuery(),
          response: { 200: PricePage, ...problems },
        },
      },
      async ({ params, query }) => orders.listPrices(params.product_id, query),
    )
  }
}

function customerRoutes(orders: CatalogueService): Routes {
  return (app) => {
    app.post(
      '/v1/customers',
      {
        config: { scope: 'orders', idempotency: 'optional' },
        schema: {
          operationId: 'createCustomer',
          summary: 'Add a customer',
          tags: ['orders'],
          body: CreateCustomer,
          response: { 201: CustomerDocument, ...problems },
        },
      },
      async (request, reply) => {
        const customer = await orders.createCustomer(request.body, commandContext(request, reply))
        return reply.code(201).send(versioned(reply, customer))
      },
    )
    app.get(
      '/v1/customers',
      {
        config: { scope: 'orders:read' },
        schema: {
          operationId: 'listCustomers',
          summary: 'List customers, guests among them',
          tags: ['orders'],
          querystring: pagedQuery(),
          response: { 200: CustomerPage, ...problems },
        },
      },
      async ({ query }) => orders.listCustomers(query),
    )
    app.get(
      '/v1/customers/:customer_id',
      {
        config: { scope: 'orders:read' },
        schema: {
          operationId: 'getCustomer',
          summary: 'Read a customer',
          tags: ['orders'],
          params: CustomerParams,
          response: { 200: CustomerDocument, ...problems },
        },
      },
      async (request, reply) => versioned(reply, await orders.getCustomer(request.params.customer_id)),
    )
    app.delete(
      '/v1/customers/:customer_id',
      {
        config: { scope: 'orders' },
        schema: {
          operationId: 'eraseCustomer',
          summary:
            'Erase a person: name, e-mail and addresses go, also those of payments; amounts and cities of orders stay',
          tags: ['orders'],
          params: CustomerParams,
          response: { 204: NoContent, ...problems },
        },
      },
      async (request, reply) => {
        await orders.eraseCustomer(request.params.customer_id)
        return reply.code(204).send(null)
      },
    )
    app.post(
      '/v1/customers/:customer_id/addresses',
      {
        config: { scope: 'orders', idempotency: 'optional' },
        schema: {
          operationId: 'addAddress',
          summary: 'Add an address of a customer',
          tags: ['orders'],
          params: CustomerParams,
          body: AddressInput,
          response: { 201: AddressDocument, ...problems },
        },
      },
      async (request, reply) => {
        const { customer_id } = request.params
        const address = await orders.addAddress(customer_id, request.body, commandContext(request, reply))
        return reply.code(201).send(address)
      },
    )
    app.get(
      '/v1/customers/:customer_id/addresses',
      {
        config: { scope: 'orders:read' },
        schema: {
          operationId: 'listAddresses',
          summary: 'List the addresses of a customer',
          tags: ['orders'],
          params: CustomerParams,
          querystring: pagedQuery(),
          response: { 200: AddressPage, ...problems },
        },
      },
      async ({ params, query }) => orders.listAddresses(params.customer_id, query),
    )
  }
}
