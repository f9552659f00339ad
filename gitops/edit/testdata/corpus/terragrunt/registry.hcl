terraform { source = "tfr:///acme/eks/aws?version=1.4.2" }
