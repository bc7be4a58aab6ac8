-- What is here now and was not before the rules ran was made by them.

insert into private.rule_objects (kind, identity, place, made_by_rules)
select kind, identity, place, true from private.rule_candidates()
on conflict (kind, identity) do nothing;

delete from private.rule_objects where not made_by_rules;
