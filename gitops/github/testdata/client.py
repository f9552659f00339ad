"""Drives a GitHub through PyGithub, and prints what it saw as JSON."""
import json
import os
import sys

import github

url, repository, branch = sys.argv[1:4]


def connect(name):
    return github.Github(login_or_token=os.environ[name], base_url=url, retry=0).get_repo(repository)


def refused(call):
    try:
        call()
    except github.GithubException as problem:
        return problem.status
    return 0


bot, ada, rita = connect("BOT_TOKEN"), connect("ADA_TOKEN"), connect("RITA_TOKEN")
seen = {"me": github.Github(os.environ["BOT_TOKEN"], base_url=url).get_user().login, "protected": bot.get_branch("main").protected}
pull = bot.create_pull(title="promote", body="body", head=branch, base="main")
seen["again"] = refused(lambda: bot.create_pull(title="promote", body="body", head=branch, base="main"))
pull.add_to_labels("waveguide", "env/dev")
ada.get_pull(pull.number).as_issue().add_to_labels("waveguide/hold")
seen["read only"] = refused(lambda: rita.get_pull(pull.number).remove_from_labels("waveguide/hold"))
rita.get_pull(pull.number).create_issue_comment("/hold looks odd")
ada.get_pull(pull.number).remove_from_labels("waveguide/hold")
ada.get_pull(pull.number).create_review(event="APPROVE", body="fine")
seen["own"] = refused(lambda: pull.create_review(event="APPROVE", body="fine"))
seen["reviews"] = [[r.user.login, r.state, r.commit_id == pull.head.sha] for r in pull.get_reviews()]
seen["events"] = [[e.event, e.actor.login, e.label.name] for e in pull.as_issue().get_events()]
seen["comments"] = [[c.user.login, c.body] for c in pull.get_issue_comments()]
seen["red"] = refused(lambda: pull.merge(sha=pull.head.sha))
bot.get_commit(pull.head.sha).create_status("success", description="all gates pass", context="waveguide")
seen["statuses"] = [[s.context, s.state] for s in bot.get_commit(pull.head.sha).get_combined_status().statuses]
seen["other head"] = refused(lambda: pull.merge(sha="1" * 40))
seen["merged"] = pull.merge(sha=pull.head.sha).merged
pull.update()
seen["state"] = [pull.state, pull.merged, pull.merged_by.login]
issue = ada.create_issue("stop env:prod-*", labels=["waveguide/pause"])
issue.edit(title="stop env:prod-eu", state="closed")
seen["issue"] = [[i.title, i.state] for i in bot.get_issues(state="closed", labels=["waveguide/pause"])]
seen["levels"] = [ada.get_collaborator_permission(name) for name in ("ada", "rita", "root")]
json.dump(seen, sys.stdout)
