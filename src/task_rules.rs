//! What a task type asks of what its tasks say of themselves: a schema of their params, and a preset.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::rc::Rc;

use task_mgmt_core::arguments::Invalid;
use task_mgmt_core::params_schema::ParamsSchema;
use task_mgmt_core::task_content::TaskContent;
use task_mgmt_core::task_presets::TaskPreset;
use task_mgmt_core::tasks::TaskPatch;

use crate::error::Error;
use crate::spi::sql;

/// Compiled schemas by their text, as long as they are not too many: what a backend meets again and again.
const MOST_KEPT: usize = 100;

thread_local! {
    static COMPILED: RefCell<HashMap<String, Rc<ParamsSchema>>> = RefCell::default();
}

pub struct TaskRules {
    params_schema: Option<Rc<ParamsSchema>>,
    preset: Option<TaskPreset>,
}

impl TaskRules {
    /// None if a type asks for nothing.
    pub fn of(params_schema: Option<String>, preset: Option<&str>) -> Result<Option<Self>, Error> {
        if params_schema.is_none() && preset.is_none() {
            return Ok(None);
        }
        let params_schema = params_schema.map(compiled).transpose()?;
        Ok(Some(Self { params_schema, preset: preset.and_then(TaskPreset::find) }))
    }

    /// Checks a new task. Errors: 22023.
    pub fn check(&self, content: &TaskContent, agent: &str) -> Result<(), Error> {
        self.check_preset(format_args!("data"), content, agent)?;
        self.check_params(content.params.map_or("{}", |params| params.get()))
    }

    fn check_preset(&self, argument: fmt::Arguments, content: &TaskContent, agent: &str) -> Result<(), Error> {
        Ok(self.preset.map_or(Ok(()), |preset| preset.check(argument, content, agent))?)
    }

    fn check_params(&self, params: &str) -> Result<(), Error> {
        Ok(self.params_schema.as_ref().map_or(Ok(()), |schema| schema.check("data.params", params))?)
    }
}

/// Checks the task as it will be once the patch is applied, by the rules of the type that it will have; params only if they or the
/// type change. The caller has locked the task's row. Errors: 22023.
pub fn check_patch(project: &str, task_no: i64, patch: &TaskPatch) -> Result<(), Error> {
    if !patch.has_content() && patch.task_type.is_none() && patch.assigned_user_id.is_none() {
        return Ok(());
    }
    let found = sql!(
        "select y.params_schema::text, y.preset, t.title, t.description, t.channel, a.user_id, coalesce(t.params, '{}')::text
        from task_mgmt.task t
        join task_mgmt.task_type y on y.project_name = $1 and y.task_type = coalesce($3, t.task_type)
        left join task_mgmt.project_user a on a.project_name = $1 and a.user_no = t.assigned_user_no
        where t.project_name = $1 and t.task_no = $2 and (y.params_schema is not null or y.preset is not null)"
    )
    .first(&[project.into(), task_no.into(), patch.task_type.as_deref().into()], |row| {
        Ok((row.find::<String>(1)?, row.find::<String>(2)?, Standing::read(row)?))
    })?;
    let Some((params_schema, preset, standing)) = found else { return Ok(()) };
    let Some(rules) = TaskRules::of(params_schema, preset.as_deref())? else { return Ok(()) };
    let after = |patched: &'_ Option<Option<String>>, current: &Option<String>| match patched {
        Some(patched) => patched.clone(),
        None => current.clone(),
    };
    let title = after(&patch.title, &standing.title);
    let description = after(&patch.description, &standing.description);
    let channel = after(&patch.channel, &standing.channel);
    let agent = after(&patch.assigned_user_id, &standing.agent).unwrap_or_default();
    let content = TaskContent {
        title: title.as_deref(),
        description: description.as_deref(),
        channel: channel.as_deref(),
        ..TaskContent::default()
    };
    rules.check_preset(format_args!("data"), &content, &agent)?;
    match (patch.params, &patch.task_type) {
        (Some(params), _) => rules.check_params(params.map_or("{}", |params| params.get())),
        (None, Some(_)) => rules.check_params(&standing.params),
        (None, None) => Ok(()),
    }
}

/// What a task says of itself before it changes.
struct Standing {
    title: Option<String>,
    description: Option<String>,
    channel: Option<String>,
    agent: Option<String>,
    params: String,
}

impl Standing {
    fn read(row: &crate::spi::Row) -> Result<Self, Error> {
        Ok(Self {
            title: row.find(3)?,
            description: row.find(4)?,
            channel: row.find(5)?,
            agent: row.find(6)?,
            params: row.get(7)?,
        })
    }
}

fn compiled(text: String) -> Result<Rc<ParamsSchema>, Invalid> {
    COMPILED.with_borrow_mut(|kept| {
        if let Some(schema) = kept.get(&text) {
            return Ok(Rc::clone(schema));
        }
        let schema = Rc::new(ParamsSchema::compile("params_schema", &text)?);
        if kept.len() >= MOST_KEPT {
            kept.clear();
        }
        kept.insert(text, Rc::clone(&schema));
        Ok(schema)
    })
}
