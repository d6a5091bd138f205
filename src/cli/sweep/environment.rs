//! Which shard this process is, as the engine that started it says.

use super::super::CliError;
use crate::report::sweep::shard::Shard;

/// The shard that the environment names. With `count`, which parts of an array are under way does
/// not matter, so that lost ones can be sent again alone.
pub fn shard_of(
    variable: &dyn Fn(&str) -> Option<String>,
    count: Option<u32>,
) -> Result<Shard, CliError> {
    let number = |name: &str| -> Result<Option<u32>, CliError> {
        let Some(text) = variable(name) else {
            return Ok(None);
        };
        let parsed = text.trim().parse();
        let error = |_| CliError::Usage(format!("{name} is `{text}`; expected a whole number"));
        parsed.map(Some).map_err(error)
    };
    let needs_count = |engine: &str| {
        count.ok_or_else(|| {
            CliError::Usage(format!(
                "{engine} does not say how many parts there are; add --shards"
            ))
        })
    };
    let (engine, index, count) = if let Some(id) = number("SLURM_ARRAY_TASK_ID")? {
        match count {
            Some(count) => ("SLURM_ARRAY_TASK_ID", id, count),
            None => {
                let least = number("SLURM_ARRAY_TASK_MIN")?.unwrap_or(0);
                let step = number("SLURM_ARRAY_TASK_STEP")?.unwrap_or(1).max(1);
                let count = number("SLURM_ARRAY_TASK_COUNT")?;
                let count = count.map_or_else(|| needs_count("this Slurm array"), Ok)?;
                (
                    "SLURM_ARRAY_TASK_ID",
                    id.saturating_sub(least) / step,
                    count,
                )
            }
        }
    } else if let Some(index) = number("JOB_COMPLETION_INDEX")? {
        (
            "JOB_COMPLETION_INDEX",
            index,
            needs_count("a Kubernetes job")?,
        )
    } else if let Some(sequence) = number("PARALLEL_SEQ")? {
        // GNU parallel counts from 1.
        (
            "PARALLEL_SEQ",
            sequence.wrapping_sub(1),
            needs_count("GNU parallel")?,
        )
    } else {
        return Err(CliError::Usage(
            "no engine says which part this is: SLURM_ARRAY_TASK_ID, JOB_COMPLETION_INDEX and \
             PARALLEL_SEQ are not set; name it with --shard I/N"
                .to_string(),
        ));
    };
    match index < count {
        true => Ok(Shard { index, count }),
        false => Err(CliError::Usage(format!(
            "{engine} names part {index}, counted from 0, of {count}"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shard(variables: &[(&str, &str)], count: Option<u32>) -> Result<(u32, u32), String> {
        let variable = |name: &str| {
            let known = variables.iter().find(|(known, _)| *known == name);
            known.map(|(_, value)| value.to_string())
        };
        let shard = shard_of(&variable, count).map_err(|error| error.to_string())?;
        Ok((shard.index, shard.count))
    }

    #[test]
    fn a_slurm_array_says_where_it_begins_and_its_step() {
        let array = |id| {
            [
                ("SLURM_ARRAY_TASK_ID", id),
                ("SLURM_ARRAY_TASK_MIN", "5"),
                ("SLURM_ARRAY_TASK_STEP", "2"),
                ("SLURM_ARRAY_TASK_COUNT", "4"),
            ]
        };
        assert_eq!(shard(&array("5"), None), Ok((0, 4)));
        assert_eq!(shard(&array("11"), None), Ok((3, 4)));
    }

    #[test]
    fn a_part_of_an_array_that_is_sent_again_keeps_its_number() {
        let again = [
            ("SLURM_ARRAY_TASK_ID", "17"),
            ("SLURM_ARRAY_TASK_MIN", "17"),
            ("SLURM_ARRAY_TASK_COUNT", "1"),
        ];
        assert_eq!(shard(&again, Some(40)), Ok((17, 40)));
    }

    #[test]
    fn kubernetes_counts_from_zero_and_parallel_from_one() {
        assert_eq!(shard(&[("JOB_COMPLETION_INDEX", "6")], Some(7)), Ok((6, 7)));
        assert_eq!(shard(&[("PARALLEL_SEQ", "7")], Some(7)), Ok((6, 7)));
        let error = shard(&[("PARALLEL_SEQ", "7")], None).expect_err("no count");
        assert_eq!(
            error,
            "GNU parallel does not say how many parts there are; add --shards"
        );
    }

    #[test]
    fn what_names_no_part_is_refused() {
        assert!(shard(&[], Some(7)).is_err());
        assert!(shard(&[("PARALLEL_SEQ", "0")], Some(7)).is_err());
        let error = shard(&[("JOB_COMPLETION_INDEX", "7")], Some(7)).expect_err("past the end");
        assert_eq!(
            error,
            "JOB_COMPLETION_INDEX names part 7, counted from 0, of 7"
        );
        let error = shard(&[("SLURM_ARRAY_TASK_ID", "x")], None).expect_err("no number");
        assert_eq!(error, "SLURM_ARRAY_TASK_ID is `x`; expected a whole number");
    }
}
