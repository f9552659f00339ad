# prod
image_repository = "registry.example.com/shop/app"
image_tag        = "1.4.2" # é ☃
image_digest     = "sha256:1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a"
replicas         = 3
tags             = { team = "shop", "cost-center" = 42 }
