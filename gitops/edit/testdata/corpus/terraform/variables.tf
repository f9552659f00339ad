variable "app_image" {
  type    = string
  default = "registry.example.com/shop/app"
}
variable "app_image_tag" {
  description = "x"
  default     = "1.4.2@sha256:1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a"
}
