import './products.css'
import { Route, Switch } from 'wouter'
import { ProductList } from './product-list.tsx'
import { ProductPage } from './product-page.tsx'

export default function Products() {
  return (
    <Switch>
      <Route path="/">
        <ProductList />
      </Route>
      <Route path="/:product_id">
        {({ product_id: id }) => <ProductPage key={id} productId={decodeURIComponent(id)} />}
      </Route>
    </Switch>
  )
}
