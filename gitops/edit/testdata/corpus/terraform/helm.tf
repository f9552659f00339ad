resource "helm_release" "app" {
  name  = "app"
  chart = "./chart"
  set {
    name  = "image.repository"
    value = "registry.example.com/shop/app"
  }
  set {
    name  = "image.tag"
    value = "1.4.2@sha256:1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a"
  }
  values = [
    yamlencode({
      image = { repository = "registry.example.com/shop/app", tag = "1.4.2", digest = "sha256:1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a" }
    }),
    "job: ${var.job}",
  ]
}
locals { image = "registry.example.com/shop/app@sha256:1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a" }
locals { other = 1 }
