# What everything else stands on: the services of Google Cloud, a network without addresses to the outside, a place for
# images and one for the job's files.

locals {
  services = [
    "artifactregistry", "bigtable", "bigtableadmin", "cloudresourcemanager", "compute", "dataflow", "iam", "logging",
    "monitoring", "pubsub", "redis", "run", "secretmanager", "storage",
  ]
  registry = "${var.region}-docker.pkg.dev/${var.project}/${google_artifact_registry_repository.images.repository_id}"
  deployed = var.release == "" ? 0 : 1

  # How the programs are told of each other: as on their command lines.
  store  = "bigtable://${var.project}/${google_bigtable_instance.store.name}?profile=%s${var.table_prefix == "" ? "" : "&prefix=${var.table_prefix}"}"
  stores = { for name in ["pipeline", "readers"] : name => format(local.store, google_bigtable_app_profile.by_use[name].app_profile_id) }
}

resource "google_project_service" "used" {
  for_each           = toset(local.services)
  service            = "${each.value}.googleapis.com"
  disable_on_destroy = false
}

resource "google_compute_network" "private" {
  name                    = var.name
  auto_create_subnetworks = false
  depends_on              = [google_project_service.used]
}

resource "google_compute_subnetwork" "private" {
  name          = var.name
  network       = google_compute_network.private.id
  ip_cidr_range = "10.60.0.0/20"
  # Workers have no external addresses: Pub/Sub, Bigtable and Secret Manager are reached through this.
  private_ip_google_access = true
}

resource "google_artifact_registry_repository" "images" {
  repository_id = var.name
  format        = "DOCKER"
  depends_on    = [google_project_service.used]
}

resource "google_storage_bucket" "job" {
  name                        = "${var.project}-${var.name}-job"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = !var.deletion_protection

  # A job's graph names the definitions' URL: nobody but the job's account and the project's owners reads this bucket.
  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      age            = 30
      matches_prefix = ["temp/"]
    }
  }
}
