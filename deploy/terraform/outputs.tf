output "registry" {
  description = "Where images are pushed to: REGISTRY of `make -C deploy images flex-image push`."
  value       = local.registry
}

output "job_bucket" {
  description = "BUCKET of `make -C deploy flex-template`."
  value       = google_storage_bucket.job.name
}

output "visitor_key_secret" {
  description = "VISITOR_KEY_SECRET of `make -C deploy flex-image`; its first version is added by hand."
  value       = "${google_secret_manager_secret.visitor_key.id}/versions/1"
}

output "definitions_secret" {
  description = "DEFINITIONS_SECRET of `make -C deploy flex-image`; holds the URL for `--definitions`."
  value       = google_secret_manager_secret_version.definitions.name
}

output "store" {
  description = "`--store` for commands that are run by hand."
  value       = local.stores["pipeline"]
}

output "events_subscription" {
  description = "The subscription that the job reads."
  value       = google_pubsub_subscription.events.name
}

output "urls" {
  description = "Where read service and collector answer."
  value       = { for name, service in google_cloud_run_v2_service.of : name => service.uri }
}
